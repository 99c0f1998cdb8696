import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEntities, type MysqlEntity } from '../../adapters/sql/mysql/catalog.ts'
import type { RawRow } from '../../adapters/sql/mysql/read-rows.ts'
import { columnsSql, createRowEncoder } from '../../adapters/sql/mysql/row-encoder.ts'
import { openSession } from '../../adapters/sql/mysql/session.ts'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { endPool, inView, mysqlPool } from '../support/mysql-lane.ts'
import { mappingOf, readLines } from '../support/postgres-lane.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createNasty, insertNasty, KIND_NAMES, KINDS, NASTY_ENTITY, nastyRows, ROWS } from './mysql-values.ts'

/** Numbers have many spellings; all else has one. */
const canonical = (line: string): string => line.replace(/"(real[48])":[^,]+/g, '')

describe.skipIf(mysqlUrl() === null)('record lines of MariaDB', () => {
  let db: TestDatabase
  let lane: ReturnType<typeof mysqlPool>
  const names = KIND_NAMES
  const rows = nastyRows()
  const entity = NASTY_ENTITY

  beforeAll(async () => {
    db = await createMysqlDatabase()
    lane = mysqlPool(db.url, 3)
    await db.query(createNasty('nasty'))
    await insertNasty(db, rows)
  }, 300_000)
  afterAll(async () => {
    await endPool(lane.pool)
    await db.drop()
  })

  it(`hold exactly what was stored, in ${ROWS} rows`, async () => {
    const lines = await inView(lane.connections, mappingOf(entity), (view) => readLines(view, 'nasty'))
    expect(lines).toHaveLength(ROWS)
    const faults: string[] = []
    for (const [at, line] of lines.entries()) {
      const parsed = JSON.parse(line) as Record<string, unknown>
      if (parsed.id !== at || Object.keys(parsed).join() !== ['id', ...names].join()) faults.push(`row ${at}: ${line.slice(0, 200)}`)
      for (const name of names) {
        const value = rows[at]![name]
        if (value === null ? parsed[name] !== null : !KINDS[name]!.holds(parsed[name], value as never))
          faults.push(`row ${at}, ${name}: ${JSON.stringify(parsed[name])}, not ${String(value)}`)
      }
    }
    expect(faults.slice(0, 20)).toEqual([])
    // The canonical spelling, which no escape of another case or form has.
    const spelled = lines.filter((line) => canonical(line) !== canonical(JSON.stringify(JSON.parse(line))))
    expect(spelled.slice(0, 3)).toEqual([])
  }, 300_000)

  it('are the same bytes when rows are read column by column', async () => {
    const lines = await inView(lane.connections, mappingOf(entity), (view) => readLines(view, 'nasty'))
    const session = await openSession(lane.connections)
    try {
      const [described] = (await describeEntities(session, { store: 'test', mapping: mappingOf(entity), selection: [{ entity: 'nasty' }] })) as [MysqlEntity]
      const encode = createRowEncoder(described)
      const found = await new Promise<RawRow[]>((resolve, reject) => {
        const sql = `SELECT ${columnsSql(described)} FROM nasty AS t ORDER BY t.id`
        session.client.query({ sql, rowsAsArray: true, typeCast: (field) => field.buffer() }, (error, raw) =>
          error ? reject(error) : resolve(raw as RawRow[]),
        )
      })
      expect(found.filter((row, at) => encode(row).toString('utf8') !== `${lines[at]}\n`)).toEqual([])
    } finally {
      await session.release()
    }
  }, 300_000)
})
