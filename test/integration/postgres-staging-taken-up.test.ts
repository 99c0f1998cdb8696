import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openPostgresTarget } from '../../adapters/sql/postgres/target/open-target.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { inTarget, itemOf, saveAll, type SavedStore } from '../support/postgres-restore.ts'

const ROWS = 4000
/** Of one transaction of staging; more than a piece of lines, and a third of all. */
const SEGMENT_BYTES = 512 * 1024
const mapping = mappingOf(table('customer', 'id name'), table('purchase', 'id customer_id note'))
const CHILD = fileURLToPath(new URL('../fixtures/postgres-restore-child.ts', import.meta.url))

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await condition()); await sleep(20)) if (Date.now() > deadline) throw new Error('it never came')
}

describe('records that a killed process had staged', () => {
  let db: TestDatabase
  let lane: ReturnType<typeof testPool>
  let saved: SavedStore

  beforeAll(async () => {
    db = await createTestDatabase()
    lane = testPool(db.url)
  })
  afterAll(async () => {
    await lane.pool.end()
    await db.drop()
  })
  beforeEach(async () => {
    await db.query(`
      DROP TABLE IF EXISTS purchase, customer;
      CREATE TABLE customer (id int PRIMARY KEY, name text);
      CREATE TABLE purchase (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, note text);
      INSERT INTO customer SELECT i, 'c' || i FROM generate_series(1, 100) i;
      INSERT INTO purchase SELECT i, i % 100 + 1, repeat('n', 650) || i FROM generate_series(1, ${ROWS}) i`)
    saved = await saveAll(lane.connections, mapping)
    await db.query(`UPDATE purchase SET note = 'bad'; UPDATE customer SET name = 'bad'`)
  })

  /** A restore in a process of its own, killed at this moment, and the server has noticed. */
  async function killed(moment: 'staging' | 'staged', resumes: string, stopAfter = 0): Promise<void> {
    const env = { ...process.env, RESUMES: resumes, SEGMENT_BYTES: `${SEGMENT_BYTES}`, STOP_AFTER: `${stopAfter}` }
    const running = spawn(process.execPath, [CHILD, db.url, JSON.stringify(mapping), moment], { stdio: ['pipe', 'pipe', 'inherit'], env })
    const exited = once(running, 'exit')
    running.stdin.end(JSON.stringify(saved.entities.map((entity) => ({ ...entity, bytes: Buffer.from(entity.bytes).toString('base64') }))))
    let said = ''
    for await (const bytes of running.stdout) if ((said += String(bytes)).includes(moment)) break
    running.kill('SIGKILL')
    await exited
    expect(said).toContain(moment)
    await eventually(noLocks)
    expect(await tables()).toHaveLength(2)
  }
  /** All of it staged, and the connection lost. */
  async function lost(resumes: string): Promise<void> {
    const one = testPool(db.url, 1)
    const target = await openPostgresTarget({
      store: 'test',
      connections: one.connections,
      mapping,
      selection: mapping.entities.map(({ name }) => ({ entity: name })),
      restoreId: 'lost',
      resumes,
    })
    for (const entity of saved.entities) await target.stage(itemOf(entity))
    await db.query(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (${OWN})`)
    await target.close()
    await one.pool.end()
    await eventually(noLocks)
    expect(await tables()).toHaveLength(2)
  }
  const noLocks = async () => (await db.query(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (${OWN})`)).length === 0
  const OWN = 'SELECT oid FROM pg_database WHERE datname = current_database()'
  const tables = () =>
    db.query<{ name: string }>(`SELECT relname AS name FROM pg_class WHERE relnamespace = to_regnamespace('holdfast_staging') AND relkind = 'r' ORDER BY 1`)
  const wrong = () =>
    db.query(
      `SELECT (SELECT count(*)::int FROM purchase WHERE note = 'bad') AS purchases, (SELECT count(*)::int FROM customer WHERE name = 'bad') AS customers`,
    )

  /** Restores, and says how many records of each entity were there already. */
  async function takenUp(resumes: string, of: SavedStore = saved): Promise<(number | undefined)[]> {
    expect(await wrong()).toEqual([{ purchases: ROWS, customers: 100 }])
    return inTarget(
      lane.connections,
      mapping,
      async (target) => {
        const items = of.entities.map((entity) => itemOf(entity))
        const taken: (number | undefined)[] = []
        for (const item of items) {
          const report = await target.stage(item)
          expect(report).toMatchObject({ rows: item.lines.rows, problems: [] })
          taken.push(report.takenUp)
        }
        expect((await target.reconcile(items)).entities.map(({ update }) => update)).toEqual([100, ROWS])
        await target.merge(
          items.map((item) => ({ ...item, mode: 'staged' })),
          { sequences: [] },
        )
        return taken
      },
      undefined,
      resumes,
    )
  }
  const restored = async () => {
    expect(await wrong()).toEqual([{ purchases: 0, customers: 0 }])
    expect(await saveAll(lane.connections, mapping)).toEqual(saved)
    expect(await tables()).toEqual([])
  }

  it('are taken up from the last commit on', async () => {
    await killed('staging', 'the same', ROWS * 0.6)
    const [customers, purchases] = await takenUp('the same')
    expect(customers).toBe(100)
    expect(purchases).toBeGreaterThan(ROWS * 0.2)
    expect(purchases).toBeLessThan(ROWS * 0.8)
    await restored()
  })

  it('are not loaded again when all of them are there', async () => {
    await killed('staged', 'the same')
    expect(await takenUp('the same')).toEqual([100, ROWS])
    await restored()
  })

  it('are swept by a restore that does something else', async () => {
    await lost('the same')
    expect(await takenUp('another')).toEqual([undefined, undefined])
    await restored()
  })

  it('are dropped where the records are others by now', async () => {
    await lost('the same')
    const [customer, purchase] = saved.entities
    const text = Buffer.from(purchase!.bytes).toString()
    const other = { ...purchase!, bytes: Buffer.from(text.replace(/n7"}\n/, 'm7"}\n')) }
    expect(await takenUp('the same', { ...saved, entities: [customer!, other] })).toEqual([100, undefined])
    expect(await db.query(`SELECT id FROM purchase WHERE note LIKE '%m7'`)).toEqual([{ id: 7 }])
    expect(await tables()).toEqual([])
  })

  it('are dropped where a column is another, and where the server has lost them', async () => {
    await lost('the same')
    const [emptied] = await db.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'holdfast_staging'::regnamespace AND obj_description(oid, 'pg_class') LIKE '%of purchase%'`,
    )
    await db.query(`TRUNCATE holdfast_staging.${emptied!.name}; ALTER TABLE customer ALTER name TYPE text COLLATE "C"`)
    expect(await takenUp('the same')).toEqual([undefined, undefined])
    await restored()
  })

  it('stay with the restore that lives', async () => {
    await inTarget(
      lane.connections,
      mapping,
      async (target) => {
        for (const entity of saved.entities) await target.stage(itemOf(entity))
        expect(await tables()).toHaveLength(2)
        expect(await takenUp('the same')).toEqual([undefined, undefined])
        expect(await tables()).toHaveLength(2)
      },
      undefined,
      'the same',
    )
    expect(await tables()).toEqual([])
  })
})
