import type { BenchClient } from './orders-table.ts'

const CUSTOMERS = 20_000
const PRODUCTS = 5_000
const LINES = 3

/** Creates a shop of `rows` rows, a quarter of them orders with three lines each, beside its customers and products. Does nothing when it is there already. */
export async function createShopTables(client: BenchClient, rows: number): Promise<void> {
  const orders = Math.floor(rows / (LINES + 1))
  const existing = await client.query(`SELECT to_regclass('order_lines') IS NOT NULL AS there`)
  if (existing.rows[0]!['there'] === true) {
    const { rows: counted } = await client.query('SELECT count(*)::int AS n FROM order_lines')
    if (counted[0]!['n'] === orders * LINES) return
  }
  await client.query(SHOP_TABLES)
  await client.query(`
    INSERT INTO customers SELECT i, 'Customer ' || i, 'customer' || i || '@example.org' FROM generate_series(1, ${CUSTOMERS}) i;
    INSERT INTO products SELECT i, 'Product ' || i || ' ' || md5('p' || i) FROM generate_series(1, ${PRODUCTS}) i;
    INSERT INTO shop_orders SELECT i, 1 + (i::bigint * 7919) % ${CUSTOMERS}, timestamptz '2024-01-01 00:00:00+00' + i * interval '7.000001 seconds',
      'Order ' || i || E'\\tplaced by "web"\\nfor ' || md5('a' || i),
      jsonb_build_object('street', 'Street ' || i % 977, 'city', md5('c' || i % 311), 'zip', 10000 + i % 90000, 'country', 'DE', 'notes', md5('n' || i))
    FROM generate_series(1, ${orders}) i;
    INSERT INTO order_lines SELECT i, 1 + (i - 1) / ${LINES}, 1 + (i::bigint * 104729) % ${PRODUCTS}, 1 + i % 7, ((i::bigint * 7907) % 1000000)::numeric(12,2) / 100,
      'Line ' || i || ' of ' || md5('l' || i) || md5('m' || i) || md5('k' || i)
    FROM generate_series(1, ${orders * LINES}) i`)
  await client.query(SHOP_KEYS)
  await client.query('VACUUM ANALYZE')
}

/** The tables as they were made, empty, with keys, indexes and foreign keys. */
export async function emptyShopTables(client: BenchClient): Promise<void> {
  await client.query(SHOP_TABLES)
  await client.query(SHOP_KEYS)
  await client.query('CHECKPOINT')
}

const SHOP_TABLES = `
  DROP TABLE IF EXISTS order_lines, shop_orders, products, customers;
  CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, email text NOT NULL);
  CREATE TABLE products (id bigint PRIMARY KEY, name text NOT NULL);
  CREATE TABLE shop_orders (id bigint NOT NULL, customer_id bigint NOT NULL, placed_at timestamptz NOT NULL, note text NOT NULL, address jsonb NOT NULL);
  CREATE TABLE order_lines (id bigint NOT NULL, order_id bigint NOT NULL, product_id bigint NOT NULL, quantity int NOT NULL, price numeric(12,2) NOT NULL, text text NOT NULL)`

const SHOP_KEYS = `
  ALTER TABLE shop_orders ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customers;
  ALTER TABLE order_lines ADD PRIMARY KEY (id), ADD FOREIGN KEY (order_id) REFERENCES shop_orders, ADD FOREIGN KEY (product_id) REFERENCES products;
  CREATE INDEX ON shop_orders (customer_id);
  CREATE INDEX ON order_lines (order_id)`
