import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { StoredValue } from '../../../../src/record/stored-value.ts'
import type { SqliteConnection } from '../connection.ts'
import { isConstraint } from '../database-error.ts'
import { quoteName, sameName } from '../quote.ts'
import type { Slices } from '../slices.ts'
import { ACTION } from './actions.ts'
import { countActions } from './classify.ts'
import type { ItemPlan, PlannedColumn } from './item-plan.ts'
import { type ProblemList, refusalCause } from './problem-list.ts'
import { forRanges } from './row-ranges.ts'

/** Rows written so far. */
export interface Written {
  created: number
  updated: number
}

/**
 * Writes what was classified: updates first, because they may free what a new row needs. Rows whose unique values change leave the table before any other is
 * written and come back last, so that two rows can swap theirs although SQLite checks row by row.
 *
 * Nothing is written by `OR REPLACE` and the like, which delete rows; `OR ABORT` also overrides such clauses of the table itself.
 */
export function* writeRows(connection: SqliteConnection, plan: ItemPlan, problems: ProblemList, onWritten: (written: Written) => void): Slices<Written> {
  const written: Written = { created: 0, updated: 0 }
  const { create, update } = countActions(connection, plan)
  const aside = update > 0 ? yield* setAside(connection, plan) : 0
  const step = function* (action: number, sql: string, count: (rows: number) => void): Slices<void> {
    yield* forRanges(connection, plan.staged, (first, last) => {
      count(writeRange(connection, plan, problems, { action, sql, first, last }))
      onWritten(written)
    })
  }
  if (update - aside > 0) yield* step(ACTION.update, updateSql(plan), (rows) => (written.updated += rows))
  if (create > 0) yield* step(ACTION.create, insertSql(plan), (rows) => (written.created += rows))
  if (aside > 0) yield* step(ACTION.aside, putBackSql(plan), (rows) => (written.updated += rows))
  if (problems.count === 0 && (written.created !== create || written.updated !== update)) {
    throw new HoldfastError(
      'E_STORE_FAILED',
      `"${plan.item.entity}": ${written.created + written.updated} rows were written where ${create + update} should have been; nothing was committed`,
    )
  }
  return written
}

/** Before anything else is written, with foreign keys off: what goes may hold unique values that come back elsewhere. */
export function* deleteRows(connection: SqliteConnection, plan: ItemPlan): Slices<number> {
  const { table, actions, staged, key } = plan
  const { delete: expected } = countActions(connection, plan)
  if (expected === 0) return 0
  let gone = 0
  const names = key.map(({ live }) => live).join(', ')
  const sql = `DELETE FROM ${table} WHERE (${names}) IN (SELECT ${key.map(({ live }) => `l.${live}`).join(', ')} FROM ${actions} a CROSS JOIN ${staged} s ON s.n = a.n
    CROSS JOIN ${table} l ON ${plan.sameKey} WHERE a.n BETWEEN ? AND ? AND a.act = ${ACTION.delete})`
  yield* forRanges(connection, staged, (first, last) => void (gone += connection.run(sql, [first, last])))
  if (gone === expected) return gone
  throw new HoldfastError('E_STORE_FAILED', `"${plan.item.entity}": ${gone} rows were deleted where ${expected} should have been; nothing was committed`)
}

interface RangeWrite {
  readonly action: number
  /** Takes the first and last line number. */
  readonly sql: string
  readonly first: bigint
  readonly last: bigint
}

/** One statement for the range; when a row of it is refused, one for each row, to learn which. */
function writeRange(connection: SqliteConnection, plan: ItemPlan, problems: ProblemList, { action, sql, first, last }: RangeWrite): number {
  if (problems.isFull) return 0 // all is lost already; the rest need not be tried
  try {
    return connection.run(sql, [first, last])
  } catch (error) {
    if (!isConstraint(error)) throw error
  }
  let rows = 0
  for (const [line] of connection.rows(`SELECT n FROM ${plan.actions} WHERE n BETWEEN ? AND ? AND act = ?`, [first, last, BigInt(action)])) {
    try {
      rows += connection.run(sql, [line as StoredValue, line as StoredValue])
    } catch (error) {
      if (!isConstraint(error)) throw error
      const { cause, message } = refusalCause(error)
      problems.addLines(connection, plan, [line as bigint], cause, message)
    }
  }
  return rows
}

function source(plan: ItemPlan, action: number): string {
  return `FROM ${plan.actions} a CROSS JOIN ${plan.staged} s ON s.n = a.n WHERE a.n BETWEEN ? AND ? AND a.act = ${action}`
}

function insertSql(plan: ItemPlan): string {
  const { table, written } = plan
  return `INSERT OR ABORT INTO ${table} (${written.map(({ live }) => live).join(', ')}) SELECT ${written.map(({ stage }) => `s.${stage}`).join(', ')} ${source(plan, ACTION.create)}`
}

function updateSql(plan: ItemPlan): string {
  const { table, actions, staged, sameKey } = plan
  const set = changeable(plan).map(({ column, stage }) => `${quoteName(column.column)} = s.${stage}`)
  return `UPDATE OR ABORT ${table} AS l SET ${set.join(', ')} FROM ${actions} AS a, ${staged} AS s WHERE a.n BETWEEN ? AND ? AND a.act = ${ACTION.update} AND s.n = a.n AND ${sameKey}`
}

/**
 * The columns that an update sets. Keys that match are the same already, except where a match does not mean the same bytes: letters under NOCASE, 1 and 1.0 in an
 * untyped column.
 */
function changeable({ written, key, entity }: ItemPlan): readonly PlannedColumn[] {
  const { uniques, rowidColumn } = entity.table
  const isLoose = ({ column }: PlannedColumn) =>
    column.affinity === 'blob' ||
    uniques.some((unique) => unique.columns.some((indexed) => indexed.column === column.column && indexed.collation.toUpperCase() !== 'BINARY'))
  return written.filter((planned) => planned.column.column !== rowidColumn && (!key.includes(planned) || isLoose(planned)))
}

/** Takes the rows whose unique values change out of the table, whole, into `aside`; how many. */
function* setAside(connection: SqliteConnection, plan: ItemPlan): Slices<number> {
  const { actions, staged, table, aside, sameKey, rowid, key, entity } = plan
  const columns = asideColumns(plan)
  const unique = plan.written.filter(({ column }) => entity.table.uniques.some((index) => index.columns.some((indexed) => indexed.column === column.column)))
  // A unique index over an expression or a part of the table may depend on any column.
  const changes = entity.table.hasOpaqueUniques ? '1' : unique.map(({ live, stage }) => `l.${live} IS NOT s.${stage} COLLATE BINARY`).join(' OR ')
  if (changes === '') return 0
  connection.exec(`DROP TABLE IF EXISTS ${aside}`)
  connection.exec(`CREATE TABLE ${aside} (n INTEGER PRIMARY KEY, rid, ${columns.map(({ kept }) => kept).join(', ')})`)
  const copy = `INSERT INTO ${aside} SELECT a.n, ${rowid === null ? 'NULL' : `l.${rowid}`}, ${columns.map(({ name }) => `l.${name}`).join(', ')}
    FROM ${actions} a CROSS JOIN ${staged} s ON s.n = a.n CROSS JOIN ${table} l ON ${sameKey} WHERE a.n BETWEEN ? AND ? AND a.act = ${ACTION.update} AND (${changes})`
  yield* forRanges(connection, staged, (first, last) => void connection.run(copy, [first, last]))
  const kept = key.map(({ live }) => columns.find(({ name }) => name === live)!.kept)
  const remove = `DELETE FROM ${table} WHERE (${key.map(({ live }) => live).join(', ')}) IN (SELECT ${kept.join(', ')} FROM ${aside} WHERE n BETWEEN ? AND ?)`
  yield* forRanges(connection, aside, (first, last) => void connection.run(remove, [first, last]))
  return connection.run(`UPDATE ${actions} SET act = ${ACTION.aside} WHERE n IN (SELECT n FROM ${aside})`)
}

function putBackSql(plan: ItemPlan): string {
  const { table, actions, staged, aside, rowid } = plan
  const columns = asideColumns(plan)
  const names = [...(rowid === null ? [] : [rowid]), ...columns.map(({ name }) => name)]
  const values = [...(rowid === null ? [] : ['o.rid']), ...columns.map(({ stage, kept }) => (stage === null ? `o.${kept}` : `s.${stage}`))]
  return `INSERT OR ABORT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')}
    FROM ${actions} a CROSS JOIN ${aside} o ON o.n = a.n CROSS JOIN ${staged} s ON s.n = a.n WHERE a.n BETWEEN ? AND ? AND a.act = ${ACTION.aside}`
}

/** Every column of the table that can be written: from the records where they have it, else as it was. */
function asideColumns(plan: ItemPlan): readonly { readonly name: string; readonly kept: string; readonly stage: string | null }[] {
  return plan.entity.table.columns
    .filter((column) => !column.generated)
    .map((column, at) => ({
      name: quoteName(column.name),
      kept: `o${at}`,
      stage: plan.written.find((planned) => sameName(planned.column.column, column.name))?.stage ?? null,
    }))
}
