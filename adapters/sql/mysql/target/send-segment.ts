import type { CauseClass } from '../../../../src/contracts/restore-target.ts'
import { databaseError } from '../database-error.ts'
import { causeOf, refusal, refusalOf } from './restore-error.ts'
import { insertSql, loadSegment, type RowDestination } from './row-channel.ts'
import { LINE } from './row-sql.ts'
import type { RowForm, Segment } from './row-writer.ts'
import type { TargetStatements } from './target-session.ts'

/** The first record that the table did not take. */
export interface RefusedLine {
  /** Null where the server does not say which. */
  readonly line: number | null
  readonly cause: CauseClass
  readonly message: string
}

/** Sends rows; the first that the table does not take, or null when it took all of them as they are. Throws what is no row's fault. */
export async function sendSegment(
  statements: TargetStatements,
  destination: RowDestination,
  segment: Segment,
  form: RowForm,
  maxStatement: number,
): Promise<RefusedLine | null> {
  if (form === 'values') return insertRows(statements, destination, segment, maxStatement)
  if (!destination.numbered) await setSavepoint(statements)
  if (await loadsWhole(statements, destination, segment)) return null
  const refused = await firstWarning(statements, destination, segment)
  return refused.line === null && !destination.numbered ? halve(statements, destination, segment) : refused
}

async function loadsWhole(statements: TargetStatements, destination: RowDestination, segment: Segment): Promise<boolean> {
  const { rows, warnings } = await loadSegment(statements.client, destination, segment)
  return warnings === 0 && rows === segment.ends.length
}

const setSavepoint = (statements: TargetStatements) => statements.rows('setting a savepoint', 'SAVEPOINT holdfast_segment')

/** Of a unique index or a CHECK, LOAD DATA does not say which row it left out: halves are loaded until one row is left. */
async function halve(statements: TargetStatements, destination: RowDestination, segment: Segment): Promise<RefusedLine> {
  let [from, to] = [0, segment.ends.length]
  const again = async (end: number): Promise<boolean> => {
    await statements.rows('returning to the savepoint', 'ROLLBACK TO SAVEPOINT holdfast_segment')
    return loadsWhole(statements, destination, rowsOf(segment, from, end))
  }
  while (to - from > 1) {
    const middle = from + Math.floor((to - from) / 2)
    if (!(await again(middle))) to = middle
    else {
      from = middle
      await setSavepoint(statements)
    }
  }
  await again(to)
  return { ...(await firstWarning(statements, destination, rowsOf(segment, from, to))), line: segment.firstLine + from }
}

function rowsOf({ bytes, ends, firstLine }: Segment, from: number, to: number): Segment {
  const start = from === 0 ? 0 : ends[from - 1]!
  return { bytes: bytes.subarray(start, ends[to - 1]), ends: ends.slice(from, to).map((end) => end - start), firstLine: firstLine + from }
}

const AT_ROW = /at row (\d+)/

/** The rows were loaded, bent to fit or left out; the caller takes them back. */
async function firstWarning(statements: TargetStatements, destination: RowDestination, segment: Segment): Promise<RefusedLine> {
  const found = (await statements.rows('reading what was refused', 'SHOW WARNINGS')).map(({ Code, Message }) => {
    const error = databaseError('loading the records', { errno: Number(Code), sqlState: 'HY000', message: '' })
    const row = AT_ROW.exec(Message ?? '')?.[1]
    return { row: row === undefined ? null : Number(row), cause: causeOf(error) ?? ('validation' as const), message: refusal(Number(Code), Message ?? '') }
  })
  const skipped = destination.numbered ? await firstSkipped(statements, destination, segment) : null
  const bent = found.filter(({ row }) => row !== null).toSorted((a, b) => a.row! - b.row!)[0]
  const bentLine = bent ? segment.firstLine + bent.row! - 1 : null
  if (skipped !== null && (bentLine === null || skipped < bentLine)) return { line: skipped, cause: 'validation', message: 'another record has the same key' }
  const said = bent ?? found[0] ?? { cause: 'validation', message: 'the database left rows out' }
  return { line: bentLine, cause: said.cause, message: said.message }
}

/** A row that a unique index of the staging table refused is not there. */
async function firstSkipped(statements: TargetStatements, { table }: RowDestination, { firstLine, ends }: Segment): Promise<number | null> {
  const [row] = await statements.rows(
    'looking for records that were left out',
    `SELECT COUNT(*) AS n, MIN(IF(line = place, NULL, place)) AS gap FROM
     (SELECT ${LINE} AS line, ${firstLine - 1} + ROW_NUMBER() OVER (ORDER BY ${LINE}) AS place FROM ${table} WHERE ${LINE} >= ${firstLine}) AS numbered`,
  )
  if (row?.gap) return Number(row.gap)
  return Number(row?.n) < ends.length ? firstLine + Number(row?.n) : null
}

/** All in one statement; when that is refused each row by itself, to learn which. */
async function insertRows(statements: TargetStatements, destination: RowDestination, segment: Segment, maxStatement: number): Promise<RefusedLine | null> {
  const { ends, firstLine } = segment
  if (segment.bytes.length <= maxStatement) {
    try {
      await statements.run('loading the records', insertSql(destination, segment, 0, ends.length))
      return null
    } catch (error) {
      if (!causeOf(error)) throw error
    }
  }
  for (const at of ends.keys()) {
    const line = firstLine + at
    const sql = insertSql(destination, segment, at, at + 1)
    if (sql.length > maxStatement) return { line, cause: 'validation', message: 'the record is longer than `max_allowed_packet` lets a statement be' }
    try {
      await statements.run('loading the records', sql)
    } catch (error) {
      const cause = causeOf(error)
      if (!cause) throw error
      const repeated = destination.numbered && cause === 'unique-clash'
      return repeated ? { line, cause: 'validation', message: 'another record has the same key' } : { line, cause, message: refusalOf(error) }
    }
  }
  return null
}
