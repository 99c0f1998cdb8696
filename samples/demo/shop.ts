import { DataSource } from 'typeorm'
import libsql from 'libsql'
import { Customer, DailySales, Order, OrderLine, Product, Tag } from './entities.js'

export const SIZE = { customers: 500, products: 120, tags: 8, orders: 6000 }

/** The shop's own database: SQLite in a file, through the libsql driver that needs no compiler. */
export async function openShop(file: string): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'better-sqlite3',
    driver: libsql,
    database: file,
    entities: [Customer, Product, Tag, Order, OrderLine, DailySales],
    synchronize: true,
    enableWAL: true,
  })
  return dataSource.initialize()
}

/** Fills the shop the plain way, by SQL: the same rows on every run. */
export async function fillShop(shop: DataSource): Promise<void> {
  await shop.transaction(async (tx) => {
    for (let id = 1; id <= SIZE.customers; id++) {
      await tx.query('INSERT INTO customer (id, name, email) VALUES (?, ?, ?)', [id, `Customer ${id}`, `customer${id}@example.test`])
    }
    for (let id = 1; id <= SIZE.products; id++) {
      await tx.query('INSERT INTO product (id, title, price) VALUES (?, ?, ?)', [id, `Product ${id}`, (id * 1.25).toFixed(2)])
    }
    for (let id = 1; id <= SIZE.tags; id++) await tx.query('INSERT INTO tag (id, label) VALUES (?, ?)', [id, `tag-${id}`])
    let line = 0
    for (let id = 1; id <= SIZE.orders; id++) {
      const shipping = JSON.stringify({ city: ['Praha', 'Zürich', '東京', 'São Paulo'][id % 4], note: id % 7 === 0 ? 'leave it\nat the "door"' : null })
      await tx.query('INSERT INTO orders (id, customerId, status, totalCents, shipping, updatedAt, version) VALUES (?, ?, ?, ?, ?, ?, ?)', [
        id,
        1 + (id % SIZE.customers),
        ['new', 'paid', 'sent'][id % 3],
        1000 + ((id * 37) % 90_000),
        shipping,
        `2026-0${1 + (id % 9)}-1${id % 10} 08:30:00.${String(id % 1000).padStart(3, '0')}`,
        1,
      ])
      for (let n = 0; n < 1 + (id % 4); n++) {
        await tx.query('INSERT INTO order_line (id, orderId, productId, quantity) VALUES (?, ?, ?, ?)', [
          ++line,
          id,
          1 + ((id + n) % SIZE.products),
          1 + (n % 5),
        ])
      }
      if (id % 3 === 0) await tx.query('INSERT INTO order_tags (ordersId, tagId) VALUES (?, ?)', [id, 1 + (id % SIZE.tags)])
    }
    await tx.query('INSERT INTO daily_sales (day, cents) VALUES (?, ?)', ['2026-11-20', 123_456])
  })
}
