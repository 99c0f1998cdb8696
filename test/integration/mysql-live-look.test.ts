import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { KnownRange, RestoreItem } from '../../src/contracts/index.ts'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { endPool, inView, mysqlPool, remember } from '../support/mysql-lane.ts'
import { failure, inTarget, itemOf, saveAll, type SavedStore } from '../support/mysql-restore.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { checkAll, mappingOf, table } from '../support/postgres-lane.ts'

const mapping = mappingOf(table('item', 'id name'))
const selection = [{ entity: 'item' }]
const FIRST = { from: null, to: '[100]' }

describe.skipIf(mysqlUrl() === null)('ranges that a restore leaves out because they are live already', () => {
  let db: TestDatabase
  let lane: ReturnType<typeof mysqlPool>
  let saved: SavedStore
  let known: KnownRange

  beforeAll(async () => {
    db = await createMysqlDatabase()
    lane = mysqlPool(db.url)
  })
  afterAll(async () => {
    await endPool(lane.pool)
    await db.drop()
  })
  beforeEach(async () => {
    await db.query(`DROP TABLE IF EXISTS item; CREATE TABLE item (id int PRIMARY KEY, name text) ENGINE=InnoDB;
      INSERT INTO item SELECT seq * 2, CONCAT('name ', seq) FROM seq_1_to_100`)
    saved = await saveAll(lane.connections, mapping)
    known = await inView(lane.connections, mapping, (view) => remember(view, 'item', FIRST))
    await db.query(`UPDATE item SET name = 'another' WHERE id = 150`)
  })

  /** The records above 100; those below are live already. */
  function others(unchanged: readonly KnownRange[] = [known]): RestoreItem {
    const [entity] = saved.entities
    const lines = Buffer.from(entity!.bytes).toString('utf8').split('\n').slice(known.rows)
    return { ...itemOf({ ...entity!, bytes: Buffer.from(lines.join('\n')), rows: entity!.rows - known.rows }, 'overwrite'), unchanged }
  }

  /** What happens to another connection's statement while this process waits for it. */
  function meanwhile(sql: string): string {
    const script = `import mysql from 'mysql2'
      const connection = mysql.createConnection({ uri: process.env.URL, multipleStatements: true })
      connection.query('SET innodb_lock_wait_timeout = 1; ' + process.env.SQL, (error) => { process.stdout.write(error ? error.code : 'done'); connection.destroy() })`
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], { env: { ...process.env, URL: db.url, SQL: sql }, encoding: 'utf8' })
  }

  it.each([
    ['an update of such a row', `UPDATE item SET name = 'late' WHERE id = 50`],
    ['an insert between such rows', `INSERT INTO item VALUES (51, 'late')`],
    ['a delete of such a row', 'DELETE FROM item WHERE id = 2'],
  ])('stay as they are until the merge commits: %s waits', async (_, sql) => {
    const outcomes: string[] = []
    await inTarget(lane.connections, mapping, async (target) => {
      await target.look!(selection, async (live) => expect(await checkAll(live as never, 'item', [known])).toMatchObject([{ state: 'unchanged' }]))
      await target.stage(others())
      await target.merge([{ ...others(), mode: 'staged' }], { sequences: [], beforeCommit: () => void outcomes.push(meanwhile(sql)) })
    })
    expect(outcomes).toEqual(['ER_LOCK_WAIT_TIMEOUT'])
    expect(meanwhile(sql)).toBe('done')
    expect(await db.query('SELECT name FROM item WHERE id = 150')).toEqual([{ name: 'name 75' }])
  })

  it.each(['reconcile', 'merge'] as const)('are asked again by %s, which names those that moved and changes nothing', async (call) => {
    await inTarget(lane.connections, mapping, async (target) => {
      await target.look!(selection, async () => {})
      await target.stage(others())
      await db.query(`UPDATE item SET name = 'late' WHERE id = 50`)
      const work = call === 'merge' ? target.merge([{ ...others(), mode: 'staged' }], { sequences: [] }) : target.reconcile([others()])
      expect((await failure(work, 'E_RESTORE_MOVED')).details).toEqual({ moved: [{ entity: 'item', ranges: [FIRST] }] })
    })
    expect(await db.query('SELECT name FROM item WHERE id = 150')).toEqual([{ name: 'another' }])
  })

  it('are not told by lines, nor without a digest: then they are loaded', async () => {
    const { digest: _, ...bare } = known
    const otherColumns = { ...known, evidence: { ...known.evidence, values: { ...known.evidence.values, columns: 'other' } } }
    await inTarget(lane.connections, mapping, async (target) => {
      const states = await target.look!(selection, (live) => checkAll(live as never, 'item', [bare, otherColumns]))
      expect(states.map(({ state }) => state)).toEqual(['unknown', 'unknown'])
      await target.stage(others([bare]))
      await failure(target.merge([{ ...others([bare]), mode: 'staged' }], { sequences: [] }), 'E_RESTORE_MOVED')
    })
  })
})
