import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { endPool, mysqlPool } from '../support/mysql-lane.ts'
import { failure, inTarget, itemOf, restoreAll, saveAll, type SavedStore } from '../support/mysql-restore.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { mappingOf, table } from '../support/postgres-lane.ts'

const mapping = mappingOf(table('page', 'site id url note', { key: ['site', 'id'] }))
const ROWS = 3000

describe.skipIf(mysqlUrl() === null)('a unique index of MariaDB over a prefix', () => {
  let db: TestDatabase
  let lane: ReturnType<typeof mysqlPool>
  let saved: SavedStore

  beforeAll(async () => {
    db = await createMysqlDatabase()
    lane = mysqlPool(db.url)
  })
  afterAll(async () => {
    await endPool(lane.pool)
    await db.drop()
  })
  beforeEach(async () => {
    await db.query(`
      DROP TABLE IF EXISTS page;
      CREATE TABLE page (site char(2), id int, url text, note text, PRIMARY KEY (site, id), UNIQUE KEY url_key (url(8), site));
      INSERT INTO page SELECT 'eu', seq, CONCAT(LPAD(seq, 8, '0'), '/rest'), 'n' FROM seq_1_to_${ROWS}; INSERT INTO page VALUES ('us', 1, NULL, NULL), ('us', 2, NULL, NULL)`)
    saved = await saveAll(lane.connections, mapping)
  })

  const rows = () => db.query('SELECT * FROM page ORDER BY site, id')

  it('lets rows exchange what it holds, among many that change', async () => {
    const before = await rows()
    await db.query(`
      UPDATE page SET url = NULL WHERE id IN (1, 2, 3); UPDATE page SET url = '00000002/new' WHERE site = 'eu' AND id = 1; UPDATE page SET url = '00000001' WHERE site = 'eu' AND id = 2;
      UPDATE page SET note = 'x'; DELETE FROM page WHERE id BETWEEN 100 AND 1000`)
    const { reconciled } = await restoreAll(lane.connections, mapping, saved)
    expect(reconciled).toMatchObject({ problemCount: 0, entities: [{ create: 901, update: ROWS + 2 - 901, identical: 0 }] })
    expect(await rows()).toEqual(before)
  }, 30_000)

  it('tells of clashes with rows that stay and among records before anything is written', async () => {
    await db.query(`ALTER TABLE page DROP KEY url_key`)
    await db.query(`UPDATE page SET url = '00000009/too' WHERE id = 8`)
    const twins = await saveAll(lane.connections, mapping)
    await db.query(`
      DELETE FROM page WHERE site = 'eu' AND id IN (5, 8, 9); ALTER TABLE page ADD UNIQUE KEY url_key (url(8), site);
      INSERT INTO page VALUES ('eu', 99999, '00000005/other', 'came since'), ('us', 5, '00000005/rest', 'on another site')`)
    const before = await rows()
    const clash = { entity: 'page', cause: 'unique-clash' }
    const error = await failure(restoreAll(lane.connections, mapping, twins), 'E_RESTORE_REJECTED')
    expect(error.details.problems).toMatchObject([{ ...clash, key: '["eu",5]', line: 5 }, clash])
    await inTarget(lane.connections, mapping, async (target) => {
      const item = itemOf(twins.entities[0]!)
      await target.stage(item)
      expect((await target.reconcile([item])).problems).toEqual([
        { ...clash, key: '["eu",5]', line: 5, message: 'url, site is unique (url_key), and the live row ["eu",99999], which stays, has the same value' },
        { ...clash, key: '["eu",9]', line: 9, message: 'url, site is unique (url_key), and record 8 has the same value' },
      ])
    })
    expect(await rows()).toEqual(before)
  })
})
