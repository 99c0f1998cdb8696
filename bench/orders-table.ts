import { copyProgram, type CopyField, type CopyProgram } from '../adapters/sql/postgres/copy/index.ts'

/** The SQL client that the generator needs; `pg`'s Client or Pool. */
export interface BenchClient {
  query(sql: string): Promise<{ rows: Record<string, unknown>[] }>
}

const CUSTOMERS = 20_000

/**
 * Creates `customers` and `orders`: 16 columns of mixed types (bigint key, uuid, foreign key, enum, numeric, bigint beyond 2^53, float8, boolean,
 * timestamptz with microseconds, date, text, jsonb, int[], bytea, version, updated_at), about 350 bytes of COPY text and 510 of record line a row.
 * The same rows for the same count. Does nothing when `orders` holds that many rows already.
 */
export async function createOrdersTable(client: BenchClient, rows: number): Promise<void> {
  const existing = await client.query(`SELECT to_regclass('orders') IS NOT NULL AS there`)
  if (existing.rows[0]!['there'] === true) {
    const { rows: counted } = await client.query('SELECT count(*)::int AS n FROM orders')
    if (counted[0]!['n'] === rows) return
  }
  await client.query('DROP TABLE IF EXISTS orders, customers; DROP TYPE IF EXISTS order_status')
  await client.query(`CREATE TYPE order_status AS ENUM ('new', 'paid', 'shipped', 'returned')`)
  await client.query('CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, email text NOT NULL)')
  await client.query(`INSERT INTO customers SELECT i, 'Customer ' || i, 'customer' || i || '@example.org' FROM generate_series(1, ${CUSTOMERS}) i`)
  await client.query(ordersTable('orders'))
  await client.query(`
    INSERT INTO orders
    SELECT i,
      md5('u' || i)::uuid,
      1 + (i * 7919) % ${CUSTOMERS},
      (ARRAY['new', 'paid', 'shipped', 'returned'])[1 + i % 4]::order_status,
      ((i * 104729) % 10000000)::numeric(12,2) / 100,
      9007199254740993 + i * 1000003,
      sqrt(i) * 0.1,
      i % 3 = 0,
      timestamptz '2024-01-01 00:00:00+00' + i * interval '7.000001 seconds',
      date '2024-01-01' + (i % 700)::int,
      'Order ' || i || E'\\tplaced by "web"\\nfor ' || md5('a' || i) || CASE WHEN i % 10 = 0 THEN ' – größer' ELSE '' END,
      jsonb_build_object('channel', 'web', 'lines', i % 9, 'ratio', (i % 100) * 0.25, 'tags', jsonb_build_array('a', 'b')),
      ARRAY[i % 100, i % 1000, i % 10000]::int[],
      decode(md5('x' || i), 'hex'),
      1 + i % 5,
      CASE WHEN i % 20 = 0 THEN NULL ELSE timestamptz '2025-06-01 00:00:00+00' + i * interval '1.5 seconds' END
    FROM generate_series(1::bigint, ${rows}) i`)
  await client.query('ALTER TABLE orders ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customers')
  await client.query('CREATE INDEX ON orders (placed_at)')
  await client.query('VACUUM ANALYZE orders')
  await client.query('VACUUM ANALYZE customers')
}

/** The bare table of that name, without key, index and foreign key. */
export function ordersTable(name: string): string {
  return `CREATE TABLE ${name} (
    id bigint NOT NULL, public_id uuid NOT NULL, customer_id bigint NOT NULL, status order_status NOT NULL, total numeric(12,2) NOT NULL,
    external_ref bigint NOT NULL, weight double precision NOT NULL, gift boolean NOT NULL, placed_at timestamptz NOT NULL, due date NOT NULL,
    note text NOT NULL, details jsonb NOT NULL, quantities int[] NOT NULL, fingerprint bytea NOT NULL, version int NOT NULL, updated_at timestamptz)`
}

export const ORDER_FIELDS: readonly (CopyField & { readonly column: string })[] = [
  { path: 'id', column: 'id', type: { kind: 'bigint' } },
  { path: 'publicId', column: 'public_id', type: { kind: 'text' } },
  { path: 'customer.id', column: 'customer_id', type: { kind: 'bigint' } },
  { path: 'status', column: 'status', type: { kind: 'text' } },
  { path: 'total', column: 'total', type: { kind: 'decimal' } },
  { path: 'externalRef', column: 'external_ref', type: { kind: 'bigint' } },
  { path: 'weight', column: 'weight', type: { kind: 'float' } },
  { path: 'gift', column: 'gift', type: { kind: 'boolean' } },
  { path: 'placedAt', column: 'placed_at', type: { kind: 'timestamp' } },
  { path: 'due', column: 'due', type: { kind: 'text' } },
  { path: 'note', column: 'note', type: { kind: 'text' } },
  { path: 'details', column: 'details', type: { kind: 'jsonb' } },
  { path: 'quantities', column: 'quantities', type: { kind: 'array', element: { kind: 'int' }, delimiter: ',' } },
  { path: 'fingerprint', column: 'fingerprint', type: { kind: 'bytes' } },
  { path: 'version', column: 'version', type: { kind: 'int' } },
  { path: 'updatedAt', column: 'updated_at', type: { kind: 'timestamp' } },
]

export const ORDER_COLUMNS = ORDER_FIELDS.map(({ column }) => column).join(', ')

export function orderProgram(): CopyProgram {
  return copyProgram(ORDER_FIELDS, ['id'], ['customer.id'])
}
