import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEntities, type MysqlEntity } from '../../adapters/sql/mysql/catalog.ts'
import { columnsSql } from '../../adapters/sql/mysql/row-sql.ts'
import { openSession } from '../../adapters/sql/mysql/session.ts'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { endPool, inView, mysqlPool } from '../support/mysql-lane.ts'
import type { ConsistentView, KeyRange, RangeState } from '../../src/contracts/index.ts'
import { sliceBatch } from '../../src/export/slice-batch.ts'
import { EVERYTHING, mappingOf, readLines, table } from '../support/postgres-lane.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createLineOracle } from './mysql-line-oracle.ts'
import { createNasty, insertNasty, KIND_NAMES, KINDS, NASTY_ENTITY, nastyRows, ROWS } from './mysql-values.ts'

/** Numbers have many spellings; all else has one. */
const canonical = (line: string): string => line.replace(/"(real[48])":[^,]+/g, '')

/** The texts of these are others in Unicode, so the server alone can hash them. */
const OWN_TEXT = ['utf16', 'greek']
const HASHED_ENTITY = table('nasty', ['id', ...KIND_NAMES.filter((name) => !OWN_TEXT.includes(name))].join(' '))

async function toldFrom(view: ConsistentView, range: KeyRange, sliceBytes: number): Promise<string | undefined> {
  const digester = view.digester!('nasty')!
  for await (const batch of view.read('nasty', range, { digests: true })) {
    for (const slice of sliceBatch(batch, sliceBytes)) digester.add(slice)
    batch.release?.()
  }
  return digester.digest()
}

/** As far as the digests go: each has the seed of whoever gave it. */
const askedFor = async (view: ConsistentView, range: KeyRange, digest: string | undefined): Promise<RangeState> => {
  const known = { range, rows: Number(digest!.split(':')[2]), sha256: null, digest: digest!, evidence: await view.evidence('nasty') }
  for await (const state of view.check('nasty', [{ ...known, evidence: { ...known.evidence, values: { ...known.evidence.values, binlogFile: 'another' } } }]))
    return state
  throw new Error('no answer')
}

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

  it('have the digest that the server tells of them, whole and in parts', async () => {
    const ranges = [EVERYTHING, { from: '[17]', to: '[18]' }, { from: '[5000]', to: null }, { from: null, to: '[4999]' }, { from: '[7]', to: '[7]' }]
    await inView(lane.connections, mappingOf(HASHED_ENTITY), async (view) => {
      for (const range of ranges) {
        const told = await toldFrom(view, range, 10_000_000)
        expect(await toldFrom(view, range, 5000)).toBe(told)
        expect(await askedFor(view, range, told)).toMatchObject({ state: 'unchanged', method: 'digest-128' })
        // Any other hash or number is another digest.
        expect(
          await askedFor(
            view,
            range,
            told!.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
          ),
        ).toMatchObject({ state: 'changed', reason: 'digest' })
        expect(await askedFor(view, range, told!.replace(/:\d+:([0-9a-f]+)$/, ':1:$1'))).toMatchObject({ state: 'changed', reason: 'digest' })
      }
    })
  }, 300_000)

  it('leave the digest to the server where texts are others in Unicode', async () => {
    await inView(lane.connections, mappingOf(entity), async (view) => {
      expect(view.digester!('nasty')).toBeNull()
      for await (const { hashed } of view.read('nasty', EVERYTHING, { digests: true })) expect(hashed).toBeUndefined()
      const [digest] = await view.digests!('nasty', [EVERYTHING])
      expect(await askedFor(view, EVERYTHING, digest)).toMatchObject({ state: 'unchanged', method: 'digest-128' })
    })
  }, 300_000)

  it('are the same bytes as those put together value by value', async () => {
    const lines = await inView(lane.connections, mappingOf(entity), (view) => readLines(view, 'nasty'))
    const session = await openSession(lane.connections)
    try {
      const [described] = (await describeEntities(session, { store: 'test', mapping: mappingOf(entity), selection: [{ entity: 'nasty' }] })) as [MysqlEntity]
      const encode = createLineOracle(described)
      const found = await new Promise<(Buffer | null)[][]>((resolve, reject) => {
        const sql = `SELECT ${columnsSql(described)} FROM nasty AS t ORDER BY t.id`
        session.client.query({ sql, rowsAsArray: true, typeCast: (field) => field.buffer() }, (error, raw) =>
          error ? reject(error) : resolve(raw as (Buffer | null)[][]),
        )
      })
      expect(found.filter((row, at) => encode(row).toString('utf8') !== `${lines[at]}\n`)).toEqual([])
    } finally {
      await session.release()
    }
  }, 300_000)
})
