import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/archive/index.ts'
import { createPostgresStore } from '../../adapters/sql/postgres/store.ts'
import type { EntityStore } from '../../src/contracts/index.ts'
import { type BackupRig, backupRig, manifestFaults, planOf } from '../support/backup-rig.ts'
import { inView, mappingOf, readLines, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, settle, type TestDatabase } from '../support/postgres.ts'
import { orderRow, shopStore } from '../support/shop-store.ts'

const layersOf = (manifest: Manifest) => manifest.entities.flatMap(({ ranges }) => ranges.map(({ layers }) => layers.length))
const chunkBytes = async (rig: BackupRig) => {
  let bytes = 0
  for await (const stat of rig.storage.list('main/')) if (stat.key.includes('/chunks/')) bytes += stat.bytes
  return bytes
}

describe('deltas of a database that knows when rows were written', () => {
  const ROWS = 30_000
  const mapping = mappingOf(table('thing', 'region no note', { key: ['region', 'no'] }))
  let database: TestDatabase
  let lane: ReturnType<typeof testPool>
  let store: EntityStore
  let rig: BackupRig

  beforeAll(async () => {
    database = await createTestDatabase()
    lane = testPool(database.url, 6)
    store = createPostgresStore({ name: 'default', orm: 'test', mapping, connections: lane.connections })
    await database.query(`CREATE TABLE thing (region text, no int, note text, PRIMARY KEY (region, no));
      INSERT INTO thing SELECT (ARRAY['a', 'B', 'Ω'])[1 + i % 3], i * 10, md5(i::text) || md5((i + 1)::text) || md5((i + 2)::text) FROM generate_series(1, ${ROWS}) i`)
    rig = backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes: 256 * 1024, concurrency: 2 } }) })
    await take('full')
  })
  afterAll(async () => {
    await lane.pool.end()
    await database.drop()
  })

  async function take(kind: 'full' | 'incremental') {
    // While a transaction of before the last write is open elsewhere on the server, a view cannot tell whether it saw that write.
    await settle(database)
    const before = await chunkBytes(rig)
    const { snapshotId } = await (await rig.start(undefined, { kind })).result()
    const manifest = await rig.manifest(snapshotId)
    expect(manifestFaults(manifest)).toEqual([])
    const lines = await inView(lane.connections, mapping, (view) => readLines(view, 'thing'))
    expect((await rig.lines(manifest, 'thing')).split('\n').slice(0, -1)).toEqual(lines)
    return { manifest, share: ((await chunkBytes(rig)) - before) / before }
  }

  it.each([
    ['updates', `UPDATE thing SET note = md5(random()::text) WHERE no % 1000 = 10`],
    ['deletes', `DELETE FROM thing WHERE no % 1000 = 20`],
    ['inserts', `INSERT INTO thing SELECT (ARRAY['a', 'B', 'Ω'])[1 + i % 3], i * 1000 + 5, 'new' FROM generate_series(1, 300) i`],
    ['key changes', `UPDATE thing SET no = no + 1 WHERE no % 1000 = 30`],
    [
      'all of them at once',
      `UPDATE thing SET note = 'again' WHERE no % 1500 = 50; DELETE FROM thing WHERE no % 1500 = 60; INSERT INTO thing SELECT 'B', i * 1500 + 7, 'new' FROM generate_series(1, 200) i`,
    ],
  ])('hold 1 %% of %s, over every range, in a few bytes', async (_, sql) => {
    await database.query(sql)
    const { manifest, share } = await take('incremental')
    expect(Math.min(...layersOf(manifest))).toBeGreaterThan(1)
    expect(manifest.requiredFeatures).toEqual(['delta'])
    expect(share).toBeLessThan(0.06)
    const next = await take('incremental')
    expect(next.share).toBe(0)
    expect(next.manifest.entities[0]!.change.read).toBe(0)
  })

  it('are not made where much of a range changed', async () => {
    await database.query(`UPDATE thing SET note = 'much' WHERE region = 'B' AND no < 100000`)
    const { manifest } = await take('incremental')
    expect(layersOf(manifest)).toContain(1)
  })

  it('are gone with the next full', async () => {
    expect(layersOf((await take('full')).manifest).every((layers) => layers === 1)).toBe(true)
  })

  it('are made anew from the table when what is below them is damaged', async () => {
    const { manifest } = await take('incremental')
    const [lost] = manifest.entities[0]!.ranges[2]!.layers
    for await (const { key } of rig.storage.list('main/')) {
      if (!key.includes(lost!.name) || !key.endsWith('.hfx')) continue
      const bytes = Buffer.from(await rig.storage.get(key))
      bytes[bytes.length >> 1]! ^= 1
      await rig.storage.put(key, bytes, { ifAbsent: false })
    }
    await database.query(`UPDATE thing SET note = 'after' WHERE no % 1000 = 10`)
    const after = await take('incremental')
    expect(after.manifest.entities[0]!.ranges.flatMap(({ layers }) => layers.map(({ name }) => name))).not.toContain(lost!.name)
  })
})

describe('deltas of a database that does not', () => {
  it('hold what differs from the stored lines, whatever changed, and every snapshot stays the truth of its moment', async () => {
    let layered = 0
    const change = fc.record({
      put: fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 12 }),
      drop: fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 8 }),
      kind: fc.constantFrom('incremental' as const, 'incremental' as const, 'differential' as const),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const store = shopStore(0)
        store.put('Order', ...Array.from({ length: 300 }, (_, n) => orderRow(n * 2)))
        const rig = backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes: 4000, concurrency: 2 } }) })
        const taken = new Map<string, string>()
        const back = async (kind: 'full' | 'incremental' | 'differential') => {
          const { snapshotId } = await (await rig.start(undefined, { kind })).result()
          taken.set(snapshotId, store.lines('Order'))
          const manifest = await rig.manifest(snapshotId)
          expect(manifestFaults(manifest)).toEqual([])
          layered += layersOf(manifest).filter((layers) => layers > 1).length
        }
        await back('full')
        for (const [round, { put, drop, kind }] of changes.entries()) {
          for (const id of put) store.put('Order', orderRow(id, `round ${round}`))
          store.delete('Order', ({ id }) => drop.includes(Number(id)))
          await back(kind)
        }
        for (const [id, lines] of taken) expect(await rig.lines(await rig.manifest(id), 'Order')).toBe(lines)
      }),
      { numRuns: 60 },
    )
    expect(layered).toBeGreaterThan(50)
  })
})
