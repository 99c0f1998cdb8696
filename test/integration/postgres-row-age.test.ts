import { afterAll, beforeAll, expect, it } from 'vitest'
import { isYounger } from '../../adapters/sql/postgres/row-age.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const IDS = 2n ** 32n

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

it('a row is as young as a horizon when it was written by it or later, round the circle of ids', async () => {
  const [now] = await db.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id')
  const before = (transactions: bigint) => (((BigInt(now!.id) - transactions) % IDS) + IDS) % IDS
  // So many transactions ago. Others on the server take ids meanwhile, so none is on the edge.
  const ages = [100_000n, 900_000n, 1_100_000n, 2n ** 31n - 100_000n, 2n ** 31n + 100_000n, IDS - 100_000n]
  const rows = await db.query<{ younger: boolean }>(
    `SELECT ${isYounger(`age('${before(1_000_000n)}'::xid)`)} AS younger FROM (VALUES ${ages.map((age, at) => `(${at}, '${before(age)}'::xid)`).join(', ')}) AS t(at, xmin) ORDER BY at`,
  )
  expect(rows.map(({ younger }) => younger)).toEqual([true, true, false, false, false, false])
})
