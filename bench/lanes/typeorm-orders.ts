import { DataSource, EntitySchema } from 'typeorm'

export interface CustomerRow {
  id: string
  name: string
  email: string
}

export const Customer = new EntitySchema<CustomerRow>({
  name: 'Customer',
  tableName: 'customers',
  columns: { id: { type: 'bigint', primary: true }, name: { type: 'text' }, email: { type: 'text' } },
})

/** The 16 columns of `orders`, as an application would map them. */
export const Order = new EntitySchema<Record<string, unknown> & { id: string }>({
  name: 'Order',
  tableName: 'orders',
  columns: {
    id: { type: 'bigint', primary: true },
    publicId: { name: 'public_id', type: 'uuid' },
    customerId: { name: 'customer_id', type: 'bigint' },
    status: { type: 'enum', enum: ['new', 'paid', 'shipped', 'returned'], enumName: 'order_status' },
    total: { type: 'numeric', precision: 12, scale: 2 },
    externalRef: { name: 'external_ref', type: 'bigint' },
    weight: { type: 'double precision' },
    gift: { type: 'boolean' },
    placedAt: { name: 'placed_at', type: 'timestamptz' },
    due: { type: 'date' },
    note: { type: 'text' },
    details: { type: 'jsonb' },
    quantities: { type: 'int', array: true },
    fingerprint: { type: 'bytea' },
    version: { type: 'int', version: true },
    updatedAt: { name: 'updated_at', type: 'timestamptz', nullable: true, updateDate: true },
  },
  relations: { customer: { type: 'many-to-one', target: 'Customer', joinColumn: { name: 'customer_id' }, createForeignKeyConstraints: true } },
})

export async function connectTypeorm(url: string): Promise<DataSource> {
  return new DataSource({ type: 'postgres', url, entities: [Customer, Order], poolSize: 10 }).initialize()
}
