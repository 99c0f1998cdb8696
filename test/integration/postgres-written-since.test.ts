import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writtenSince } from '../../adapters/sql/postgres/written-since.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const IDS = 2n ** 32n

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

describe('rows written since a transaction, for parallel workers', () => {
  it.each([
    ['before ids wrap around', 1000n, 5000n],
    ['in a later epoch', 7n * IDS + 1000n, 7n * IDS + 5000n],
    ['where ids wrap around between the two', IDS - 3n, IDS + 100n],
    ['where the newest id is the last one', IDS - 10n, IDS],
    ['where nothing was written', 1000n, 1000n],
  ])('are those from the horizon up to the newest id, round the circle: %s', async (_, horizon, xmax) => {
    const near = [horizon, xmax].flatMap((id) => [-2n, -1n, 0n, 1n, 2n].map((step) => (((id + step) % IDS) + IDS) % IDS))
    const ids = [...new Set([0n, 1n, 2n, 3n, 4n, 2n ** 31n - 1n, 2n ** 31n, IDS - 1n, ...near])]
    const rows = await db.query<{ id: string; newer: boolean }>(
      `SELECT t.xmin::text AS id, ${writtenSince(String(horizon), String(xmax))} AS newer FROM (VALUES ${ids.map((id) => `('${id}'::xid)`).join(', ')}) AS t(xmin)`,
    )
    // Reserved ids (0-2) are older than all others.
    const isNewer = (id: bigint) => id >= 3n && (id - (horizon % IDS) + IDS) % IDS < xmax - horizon
    expect(rows.map(({ id, newer }) => [id, newer])).toEqual(ids.map((id) => [String(id), isNewer(id)]))
    expect(rows.some(({ newer }) => newer)).toBe(xmax > horizon)
  })
})
