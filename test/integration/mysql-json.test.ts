import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMysqlDatabase, isMysqlProper, mysqlUrl } from '../support/mysql.ts'
import { endPool, inView, mysqlPool } from '../support/mysql-lane.ts'
import { restoreAll, saveAll } from '../support/mysql-restore.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { mappingOf, readLines, table } from '../support/postgres-lane.ts'

const DOCUMENTS = [
  `NULL`,
  `'null'`,
  `'{"b": 1, "a": [1.50, 1e300, -0.0, 18446744073709551615]}'`,
  `'"a \\\\"text\\\\" \\\\u001f with \\\\ud83d\\\\ude00 and \\\\n in it"'`,
  `CAST(CAST('2024-02-29 12:34:56.789012' AS DATETIME(6)) AS JSON)`,
  `JSON_ARRAY(x'00ff', TRUE, JSON_OBJECT('', ''))`,
]

describe.skipIf(mysqlUrl() === null)('columns of the type JSON', () => {
  const mapping = mappingOf(table('doc', 'id body'))
  let db: TestDatabase
  let lane: ReturnType<typeof mysqlPool>
  beforeAll(async () => {
    db = await createMysqlDatabase()
    lane = mysqlPool(db.url)
    if (!isMysqlProper()) return
    await db.query('CREATE TABLE doc (id int PRIMARY KEY, body json)')
    for (const [id, document] of DOCUMENTS.entries()) await db.query(`INSERT INTO doc VALUES (${id}, ${document})`)
  })
  afterAll(async () => {
    await endPool(lane.pool)
    await db.drop()
  })

  it('keep JSON null and SQL NULL apart', async () => {
    await db.query(`CREATE TABLE nothing (id int PRIMARY KEY, body json); INSERT INTO nothing VALUES (1, NULL), (2, 'null')`)
    const nothing = mappingOf(table('nothing', 'id body'))
    const saved = await saveAll(lane.connections, nothing)
    await db.query('TRUNCATE nothing')
    await restoreAll(lane.connections, nothing, saved, { mode: 'direct' })
    expect(await db.query('SELECT id, body IS NULL AS absent FROM nothing ORDER BY id')).toEqual([
      { id: 1, absent: 1 },
      { id: 2, absent: 0 },
    ])
  })

  // The type of MariaDB is text with a check, which other tests hold.
  if (!isMysqlProper()) return

  it('are one-element arrays of what the server prints, so that JSON null and SQL NULL stay apart', async () => {
    const lines = await inView(lane.connections, mapping, (view) => readLines(view, 'doc'))
    expect(lines.slice(0, 2)).toEqual(['{"id":0,"body":null}', '{"id":1,"body":[null]}'])
    expect(lines.every((line) => Array.isArray(JSON.parse(line).body) || JSON.parse(line).body === null)).toBe(true)
  })

  it.each(['staged', 'direct'] as const)('come back as they were, %s', async (mode) => {
    const saved = await saveAll(lane.connections, mapping)
    await db.query('TRUNCATE doc')
    if (mode === 'staged') await db.query(`INSERT INTO doc VALUES (1, NULL), (2, '{}')`)
    await restoreAll(lane.connections, mapping, saved, { mode })
    expect((await saveAll(lane.connections, mapping)).entities[0]!.bytes.toString()).toBe(saved.entities[0]!.bytes.toString())
  })

  it('hold what JSON text can say: a decimal in one comes back as the number that it prints', async () => {
    await db.query('CREATE TABLE price (id int PRIMARY KEY, body json)')
    await db.query('INSERT INTO price VALUES (1, CAST(1.10 AS JSON))')
    const prices = mappingOf(table('price', 'id body'))
    const saved = await saveAll(lane.connections, prices)
    expect(saved.entities[0]!.bytes.toString()).toBe('{"id":1,"body":[1.10]}\n')
    await db.query('TRUNCATE price')
    await restoreAll(lane.connections, prices, saved, { mode: 'direct' })
    expect((await saveAll(lane.connections, prices)).entities[0]!.bytes.toString()).toBe('{"id":1,"body":[1.1]}\n')
  })

  it('that are as they were are not written again', async () => {
    const saved = await saveAll(lane.connections, mapping)
    const { merged } = await restoreAll(lane.connections, mapping, saved)
    expect(merged.entities).toMatchObject([{ created: 0, updated: 0, identical: DOCUMENTS.length }])
  })
})
