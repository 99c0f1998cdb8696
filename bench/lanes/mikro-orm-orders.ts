import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql'

export const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: {
    id: p.bigint('string').primary(),
    publicId: p.uuid().fieldName('public_id'),
    customerId: p.bigint('string').fieldName('customer_id'),
    status: p.enum(['new', 'paid', 'shipped', 'returned']).nativeEnumName('order_status'),
    total: p.decimal('string').precision(12).scale(2),
    externalRef: p.bigint('string').fieldName('external_ref'),
    weight: p.double(),
    gift: p.boolean(),
    placedAt: p.datetime(6).fieldName('placed_at'),
    due: p.date(),
    note: p.text(),
    details: p.json(),
    quantities: p.array().$type<number[]>().columnType('int[]'),
    fingerprint: p.blob(),
    version: p.integer().version(),
    updatedAt: p.datetime(6).fieldName('updated_at').nullable(),
  },
})

export async function connectMikroOrm(url: string): Promise<MikroORM> {
  return MikroORM.init({ clientUrl: url, entities: [Order] })
}
