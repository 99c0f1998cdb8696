import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createPostgresStore } from '../../adapters/sql/postgres/store.ts'
import type { ConsistentView, EntityStore, KeyRange, RangeState } from '../../src/contracts/index.ts'
import { compareLive, type OpenSnapshot } from '../../src/compare/index.ts'
import type { Manifest } from '../../src/archive/index.ts'
import { backupRig, planOf } from '../support/backup-rig.ts'
import { brief, collect } from '../support/compare-rig.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, settle, type TestDatabase } from '../support/postgres.ts'

/** What a comparison with the live database asks of it, and what it reads: as an incremental backup would, by the evidence of the snapshot. */

interface Asked {
  readonly states: RangeState[]
  readonly reads: KeyRange[]
  exact: boolean
}

/** The store, noting down what its views answer and what is read from them. */
function watched(store: EntityStore, asked: Asked): EntityStore {
  return {
    ...store,
    async openView(options) {
      const view = await store.openView(options)
      return Object.assign(Object.create(view) as ConsistentView, {
        async *check(...args: Parameters<ConsistentView['check']>) {
          asked.exact = args[2]?.exact === true
          for await (const state of view.check(...args)) {
            asked.states.push(state)
            yield state
          }
        },
        read(...args: Parameters<ConsistentView['read']>) {
          asked.reads.push(args[1])
          return view.read(...args)
        },
      })
    },
  }
}

describe('comparing a snapshot with the live database', () => {
  let db: TestDatabase
  let lane: ReturnType<typeof testPool>
  let store: EntityStore
  let snapshot: OpenSnapshot
  const asked: Asked = { states: [], reads: [], exact: false }
  const compare = (over: OpenSnapshot = snapshot) => compareLive({ snapshot: over, stores: new Map([['default', watched(store, asked)]]) })

  beforeAll(async () => {
    db = await createTestDatabase()
    lane = testPool(db.url, 4)
    await db.query(`CREATE TABLE item (id int PRIMARY KEY, v text); INSERT INTO item SELECT i, repeat('x', 100) || i FROM generate_series(1, 5000) i`)
    await settle(db)
    store = createPostgresStore({ name: 'default', orm: 'none 1', mapping: mappingOf(table('item', 'id v')), connections: lane.connections })
    const rig = backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes: 64 * 1024 } }) })
    const { snapshotId } = await (await rig.start()).result()
    snapshot = { manifest: await rig.manifest(snapshotId), chunks: async (bucket) => (await rig.open(bucket)).scope().chunks }
  })
  beforeEach(() => {
    asked.states.length = asked.reads.length = 0
  })
  afterAll(async () => {
    await lane.pool.end()
    await db.drop()
  })

  it('reads nothing where row versions prove that nothing changed', async () => {
    const comparison = compare()
    expect(await collect(comparison)).toEqual([])
    expect(asked.states.length).toBeGreaterThan(5)
    expect(asked.states.every(({ state, method }) => state === 'unchanged' && method === 'xmin')).toBe(true)
    expect(asked).toMatchObject({ reads: [], exact: true })
    expect(comparison.summary.totals).toMatchObject({ rowsRead: 0, rowsSkipped: 10_000, chunksRead: 0 })
  })

  it('reads lines, and no chunk, where the evidence of the snapshot is void', async () => {
    const comparison = compare(voided(snapshot))
    expect(await collect(comparison)).toEqual([])
    expect(asked.states.every(({ state, method }) => state === 'unchanged' && method === 'sha256')).toBe(true)
    expect(asked.reads).toEqual([])
    expect(comparison.summary.totals).toMatchObject({ chunksRead: 0 })
  })

  it.each([
    ['by evidence', () => snapshot],
    ['without', () => voided(snapshot)],
  ])('reads the range that changed, and no other: %s', async (_, over) => {
    await db.query(`UPDATE item SET v = 'changed' WHERE id = 2500`)
    const comparison = compare(over())
    expect(brief(await collect(comparison))).toEqual(['item [2500] changed'])
    expect(asked.states.filter(({ state }) => state !== 'unchanged')).toHaveLength(1)
    expect(new Set(asked.reads.map((range) => JSON.stringify(range))).size).toBe(1)
    expect(comparison.summary.totals.chunksRead).toBe(1)
  })
})

/** As after a restart of the server. */
function voided({ manifest, chunks }: OpenSnapshot): OpenSnapshot {
  const entities = manifest.entities.map((entity) => ({
    ...entity,
    change: { ...entity.change, evidence: entity.change.evidence.map(({ method, values }) => ({ method, values: { ...values, postmasterStart: '1' } })) },
  }))
  return { manifest: { ...manifest, entities } satisfies Manifest, chunks }
}
