import { DataSource, EntitySchema } from 'typeorm'
import { Customer } from './typeorm-orders.ts'

/** A shop: orders with their lines, products and customers. */
const Product = new EntitySchema<{ id: string; name: string }>({
  name: 'Product',
  tableName: 'products',
  columns: { id: { type: 'bigint', primary: true }, name: { type: 'text' } },
})

const ShopOrder = new EntitySchema<Record<string, unknown> & { id: string }>({
  name: 'ShopOrder',
  tableName: 'shop_orders',
  columns: {
    id: { type: 'bigint', primary: true },
    customerId: { name: 'customer_id', type: 'bigint' },
    placedAt: { name: 'placed_at', type: 'timestamptz' },
    note: { type: 'text' },
    address: { type: 'jsonb' },
  },
  relations: { customer: { type: 'many-to-one', target: 'Customer', joinColumn: { name: 'customer_id' }, createForeignKeyConstraints: true } },
})

const OrderLine = new EntitySchema<Record<string, unknown> & { id: string }>({
  name: 'OrderLine',
  tableName: 'order_lines',
  columns: {
    id: { type: 'bigint', primary: true },
    orderId: { name: 'order_id', type: 'bigint' },
    productId: { name: 'product_id', type: 'bigint' },
    quantity: { type: 'int' },
    price: { type: 'numeric', precision: 12, scale: 2 },
    text: { type: 'text' },
  },
  relations: {
    order: { type: 'many-to-one', target: 'ShopOrder', joinColumn: { name: 'order_id' }, createForeignKeyConstraints: true },
    product: { type: 'many-to-one', target: 'Product', joinColumn: { name: 'product_id' }, createForeignKeyConstraints: true },
  },
})

export const shopEntities = [Customer, Product, ShopOrder, OrderLine]

export async function connectShop(url: string): Promise<DataSource> {
  return new DataSource({ type: 'postgres', url, entities: shopEntities, poolSize: 10 }).initialize()
}
