import { DataSource, EntitySchema } from 'typeorm'
import { Customer } from './typeorm-orders.ts'

/** `orders` of MariaDB, as an application would map them. */
export const MariadbOrder = new EntitySchema<Record<string, unknown> & { id: string }>({
  name: 'Order',
  tableName: 'orders',
  columns: {
    id: { type: 'bigint', primary: true },
    publicId: { name: 'public_id', type: 'char', length: 36 },
    customerId: { name: 'customer_id', type: 'bigint' },
    status: { type: 'enum', enum: ['new', 'paid', 'shipped', 'returned'] },
    total: { type: 'decimal', precision: 12, scale: 2 },
    externalRef: { name: 'external_ref', type: 'bigint' },
    weight: { type: 'double' },
    gift: { type: 'boolean' },
    placedAt: { name: 'placed_at', type: 'datetime', precision: 6 },
    due: { type: 'date' },
    note: { type: 'text' },
    details: { type: 'json' },
    quantities: { type: 'varchar', length: 100 },
    fingerprint: { type: 'varbinary', length: 16 },
    version: { type: 'int', version: true },
    updatedAt: { name: 'updated_at', type: 'datetime', precision: 6, nullable: true, updateDate: true },
  },
  relations: { customer: { type: 'many-to-one', target: 'Customer', joinColumn: { name: 'customer_id' }, createForeignKeyConstraints: true } },
})

export async function connectMariadb(url: string): Promise<DataSource> {
  return new DataSource({ type: 'mariadb', url, entities: [Customer, MariadbOrder], poolSize: 10 }).initialize()
}
