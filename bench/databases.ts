import pg from 'pg'
import { createOrdersTable, ordersTable } from './orders-table.ts'
import { createShopTables } from './shop-table.ts'

const SERVER = process.env.HOLDFAST_BENCH_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'

export function databaseUrl(name: string): string {
  const url = new URL(SERVER)
  url.pathname = `/${name}`
  return url.href
}

export async function onDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** A database with `orders` of that many rows and their customers; made once, then kept. */
export async function sourceDatabase(rows: number): Promise<string> {
  const url = await ensureDatabase(`holdfast_bench_${rows}`)
  await onDatabase(url, (client) => createOrdersTable(client, rows))
  return url
}

/** A copy of the source that may be changed, made anew each time. */
export async function changedDatabase(rows: number): Promise<string> {
  const source = new URL(await sourceDatabase(rows)).pathname.slice(1)
  const name = 'holdfast_bench_changes'
  await onDatabase(SERVER, async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${name}`)
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${source}`)
    await client.query('CHECKPOINT')
  })
  return databaseUrl(name)
}

/** A shop of that many rows; made once, then kept. */
export async function shopDatabase(rows: number): Promise<string> {
  const url = await ensureDatabase(`holdfast_bench_shop_${rows}`)
  await onDatabase(url, (client) => createShopTables(client, rows))
  return url
}

/** A database for a shop to come back to. */
export function shopTarget(): Promise<string> {
  return ensureDatabase('holdfast_bench_shop_target')
}

/** A database with all customers and an empty `orders`, key, index and foreign key in place. */
export async function targetDatabase(): Promise<string> {
  const url = await ensureDatabase('holdfast_bench_target')
  await onDatabase(url, async (client) => {
    await createOrdersTable(client, 1)
    await client.query('TRUNCATE orders')
  })
  return url
}

/** The table as it was made: new files, new indexes, so that no run inherits the bloat of the one before. */
export async function emptyOrders(url: string): Promise<void> {
  await onDatabase(url, async (client) => {
    await client.query('DROP TABLE orders')
    await client.query(ordersTable('orders'))
    await client.query('ALTER TABLE orders ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customers')
    await client.query('CREATE INDEX ON orders (placed_at)')
    await client.query('CHECKPOINT')
  })
}

async function ensureDatabase(name: string): Promise<string> {
  await onDatabase(SERVER, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${name}`)
  })
  return databaseUrl(name)
}
