import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { endPool, mysqlPool } from '../support/mysql-lane.ts'
import { restoreAll, saveAll, type SavedStore } from '../support/mysql-restore.ts'
import { mappingOf } from '../support/postgres-lane.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createNasty, insertNasty, KIND_NAMES, KINDS, NASTY_ENTITY, nastyRows, ROWS } from './mysql-values.ts'

/** The same entity in another table. */
const mapping = mappingOf({ ...NASTY_ENTITY, table: 'copy' })

/** The very bytes of a stored value, as far as plain SQL tells them. */
function stored(alias: string, name: string): string {
  const { declared } = KINDS[name]!
  const column = `${alias}.${name}`
  if (/^(float|double)/.test(declared)) return `CONCAT(${column} * 1e0)`
  if (declared.startsWith('bit')) return `${column} + 0`
  return /text|char|binary|blob|enum|set|json/.test(declared) ? `HEX(${column})` : `CAST(${column} AS CHAR)`
}

describe.skipIf(mysqlUrl() === null)(`${ROWS} records of MariaDB`, () => {
  let db: TestDatabase
  let file: ReturnType<typeof mysqlPool>
  let statements: ReturnType<typeof mysqlPool>
  let saved: SavedStore

  beforeAll(async () => {
    db = await createMysqlDatabase()
    file = mysqlPool(db.url)
    statements = mysqlPool(db.url, 2, { flags: ['-LOCAL_FILES'] })
    await db.query(createNasty('nasty'))
    await insertNasty(db, nastyRows())
    saved = await saveAll(file.connections, mappingOf(NASTY_ENTITY))
  }, 300_000)
  afterAll(async () => {
    await endPool(file.pool)
    await endPool(statements.pool)
    await db.drop()
  })
  beforeEach(async () => {
    await db.query(`DROP TABLE IF EXISTS copy; ${createNasty('copy')}`)
  })

  /** Columns in which some row of the copy is not the one that was saved, and by how many rows the copy is short. */
  async function differences(): Promise<Record<string, unknown>> {
    const counts = KIND_NAMES.map((column) => `SUM(NOT (${stored('n', column)} <=> ${stored('c', column)})) AS ${column}`)
    const [row] = await db.query(`SET time_zone = '+00:00'; SELECT SUM(c.id IS NULL) AS missing, ${counts.join(', ')} FROM nasty n LEFT JOIN copy c USING (id)`)
    return Object.fromEntries(Object.entries(row!).filter(([, count]) => Number(count) > 0))
  }

  describe.each(['LOAD DATA', 'INSERT'] as const)('sent by %s', (way) => {
    const connections = () => (way === 'LOAD DATA' ? file : statements).connections

    it('case 34: come back to the byte, straight into an empty table', async () => {
      const { merged } = await restoreAll(connections(), mapping, saved, { mode: 'direct' })
      expect(merged.entities).toMatchObject([{ created: ROWS }])
      expect(await differences()).toEqual({})
    }, 300_000)

    it('come back to the byte by way of the staging table, over rows that are gone, spoilt and right, and are identical then', async () => {
      await db.query(
        `INSERT INTO copy SELECT * FROM nasty WHERE id % 3 > 0; UPDATE copy SET ${KIND_NAMES.map((name) => `${name} = NULL`).join(', ')} WHERE id % 3 = 1`,
      )
      const lost = Math.ceil(ROWS / 3)
      const first = await restoreAll(connections(), mapping, saved)
      expect(await differences()).toEqual({})
      const [created, updated] = [first.merged.entities[0]!.created, first.merged.entities[0]!.updated]
      expect(created).toBe(lost)
      expect(updated).toBeGreaterThan(lost - 10)
      const again = await restoreAll(connections(), mapping, saved, { policy: 'fail' })
      expect(again.reconciled!.entities).toMatchObject([{ create: 0, update: 0, conflict: 0, identical: ROWS }])
    }, 300_000)
  })

  it('are each seen to differ in the one column that another record lent them', async () => {
    // Row by row the next column takes the value of the row before, which is mostly another one.
    const columns = KIND_NAMES.length
    await db.query('INSERT INTO copy SELECT * FROM nasty')
    for (const [at, column] of KIND_NAMES.entries())
      await db.query(`UPDATE copy c JOIN nasty n ON n.id = c.id - 1 SET c.${column} = n.${column} WHERE c.id % ${columns} = ${at}`)
    const changed = KIND_NAMES.map((column, at) => `SUM(c.id % ${columns} = ${at} AND NOT (${stored('n', column)} <=> ${stored('c', column)}))`)
    const [row] = await db.query<{ found: string }>(`SELECT ${changed.join(' + ')} AS found FROM nasty n JOIN copy c USING (id)`)
    const { reconciled } = await restoreAll(file.connections, mapping, saved)
    expect(reconciled!.entities[0]).toMatchObject({ update: Number(row!.found), identical: ROWS - Number(row!.found) })
    expect(await differences()).toEqual({})
  }, 300_000)
})
