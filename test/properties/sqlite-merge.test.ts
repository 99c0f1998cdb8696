import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import type { MergeItem } from '../../src/contracts/index.ts'
import { createSqliteFile, linesOf, readAll, type SqliteFile, tableMapping } from '../support/sqlite.ts'

/** A row that refers to another of its table by key, and to one of a second table by a unique column that is not its key. */
interface Row {
  readonly id: number
  readonly mail: string | null
  readonly up: number | null
  readonly code: string | null
}

interface State {
  readonly rows: readonly Row[]
  readonly codes: readonly { readonly id: number; readonly code: string }[]
}

const id = fc.integer({ min: 1, max: 8 })
const letter = fc.constantFrom('a', 'b', 'c', 'd', 'A')
const state: fc.Arbitrary<State> = fc.record({
  rows: fc.uniqueArray(fc.record({ id, mail: fc.option(letter), up: fc.option(id), code: fc.option(letter) }), { selector: (row) => row.id, maxLength: 8 }),
  codes: fc.uniqueArray(fc.record({ id, code: letter }), { selector: (row) => row.id, maxLength: 5 }),
})

const fold = (text: string) => text.toLowerCase()

function brokenOf({ rows, codes }: State): { readonly unique: boolean; readonly references: ReadonlySet<string> } {
  const mails = rows.flatMap(({ mail }) => (mail === null ? [] : [fold(mail)]))
  const names = codes.map(({ code }) => code)
  const unique = new Set(mails).size < mails.length || new Set(names).size < names.length
  const references = new Set<string>()
  for (const row of rows) {
    if (row.up !== null && !rows.some((other) => other.id === row.up)) references.add(`up ${row.id} ${row.up}`)
    if (row.code !== null && !names.includes(row.code)) references.add(`code ${row.id} ${row.code}`)
  }
  return { unique, references }
}

const TABLES = `
  CREATE TABLE codes (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
  CREATE TABLE rows (id INTEGER PRIMARY KEY, mail TEXT COLLATE NOCASE UNIQUE, up INTEGER REFERENCES rows, code TEXT REFERENCES codes (code));
  CREATE TRIGGER t BEFORE INSERT ON rows BEGIN SELECT RAISE(ABORT, 'a trigger fired'); END`

const mappings = [tableMapping('codes', ['id', 'code']), tableMapping('rows', ['id', 'mail', 'up', 'code'])]
const selection = mappings.map(({ name }) => ({ entity: name }))

function fillWith(file: SqliteFile, { rows, codes }: State): void {
  file.exec('PRAGMA foreign_keys = OFF; DROP TRIGGER t; DELETE FROM rows; DELETE FROM codes')
  for (const row of codes) file.insert('codes', [BigInt(row.id), row.code])
  for (const row of rows) file.insert('rows', [BigInt(row.id), row.mail, row.up === null ? null : BigInt(row.up), row.code])
  file.exec(`CREATE TRIGGER t BEFORE INSERT ON rows BEGIN SELECT RAISE(ABORT, 'a trigger fired'); END`)
}

function contents(file: SqliteFile): State {
  return {
    codes: file.rows('SELECT id, code FROM codes ORDER BY id').map(([key, code]) => ({ id: Number(key), code: code as string })),
    rows: file
      .rows('SELECT * FROM rows ORDER BY id')
      .map(([key, mail, up, code]) => ({ id: Number(key), mail: mail as string | null, up: up === null ? null : Number(up), code: code as string | null })),
  }
}

const overlaid = <T extends { readonly id: number }>(live: readonly T[], records: readonly T[]): T[] =>
  [...new Map([...live, ...records].map((row) => [row.id, row])).values()].sort((a, b) => a.id - b.id)

it(
  'a merge ends in exactly the live rows overlaid with the records, or, where that would break what held, in no change at all',
  { timeout: 300_000 },
  async () => {
    const [source, target] = [createSqliteFile(), createSqliteFile()]
    const seen = { merged: 0, refused: 0 }
    let run = 0
    try {
      source.exec(TABLES)
      target.exec(TABLES)
      await fc.assert(
        fc.asyncProperty(
          state.filter((one) => !brokenOf(one).unique),
          state.filter((one) => !brokenOf(one).unique),
          async (records, live) => {
            fillWith(source, records)
            fillWith(target, live)
            const before = contents(target)
            const view = await source.store(mappings).openView({ entities: selection })
            const lines = [await readAll(view, 'codes'), await readAll(view, 'rows')]
            const items = view.entities.map((record, at): MergeItem => ({
              record,
              entity: record.name,
              policy: 'overwrite',
              lines: linesOf(lines[at]!),
              mode: 'staged',
            }))
            await view.close()

            const expected = { codes: overlaid(before.codes, contents(source).codes), rows: overlaid(before.rows, contents(source).rows) }
            const broken = brokenOf(expected)
            const wasBroken = brokenOf(before).references
            const refused = broken.unique || [...broken.references].some((reference) => !wasBroken.has(reference))

            const restore = await target.store(mappings).openTarget({ entities: selection, restoreId: `m${++run}` })
            try {
              for (const item of items) await restore.stage(item)
              const look = await restore.reconcile(items)
              expect(contents(target)).toEqual(before)
              const report = await restore.merge(items, { sequences: [] }).catch((error: unknown) => error)
              if (refused) {
                expect(isHoldfastError(report, 'E_RESTORE_REJECTED')).toBe(true)
                expect(contents(target)).toEqual(before)
                expect(look.problemCount).toBeGreaterThan(0)
                seen.refused++
              } else {
                expect(look.problems).toEqual([])
                expect(contents(target)).toEqual(expected)
                expect(report).toMatchObject({ entities: look.entities.map(({ entity, create, update }) => ({ entity, created: create, updated: update })) })
                seen.merged++
              }
            } finally {
              await restore.close()
            }
            expect(target.value(`SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'`)).toBe(1n)
          },
        ),
        { numRuns: 600, seed: 7 },
      )
    } finally {
      source.close()
      target.close()
    }
    expect(seen.merged).toBeGreaterThan(50)
    expect(seen.refused).toBeGreaterThan(50)
  },
)
