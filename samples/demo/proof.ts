import { createHash } from 'node:crypto'
import type { DataSource } from 'typeorm'

const TABLES = ['customer', 'product', 'tag', 'orders', 'order_line', 'order_tags']

/** A digest of every column of every row, read with plain SQL: proof that does not rest on Holdfast's own word. */
export async function digestOf(shop: DataSource): Promise<string> {
  const hash = createHash('sha256')
  for (const table of TABLES) {
    const rows: Record<string, unknown>[] = await shop.query(`SELECT * FROM ${table} ORDER BY 1, 2`)
    for (const row of rows) hash.update(JSON.stringify([table, Object.entries(row)]))
  }
  return hash.digest('hex').slice(0, 16)
}

export async function count(shop: DataSource, sql: string): Promise<number> {
  const [row]: { n: number }[] = await shop.query(sql)
  return Number(row?.n)
}
