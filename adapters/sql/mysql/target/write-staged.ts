import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { ProblemList } from '../../problem-list.ts'
import { ACTION_CODE } from '../../merge-action.ts'
import { quoteIdent } from '../quote.ts'
import type { DecidedItem } from './decide-actions.ts'
import type { FittedField, FittedItem } from './fit-record.ts'
import { keyColumns, keyOfRow } from './record-key.ts'
import { causeOf, refusalOf } from './restore-error.ts'
import { columnOf, LINE, sameKey } from './row-sql.ts'
import { setAside } from './set-aside.ts'
import type { TargetStatements } from './target-session.ts'

/** Records of one statement: enough to be fast, few enough to show progress. */
const PAGE_RECORDS = 20_000

/** Refused records after which the rest is not tried any more. */
const ENOUGH_REFUSED = 100

/** Writes what was decided: updates first, so that unique values that they free can be taken by rows to be created. Records that the database refuses are problems. */
export async function writeStaged(statements: TargetStatements, decided: DecidedItem, list: ProblemList, onProgress: (rows: number) => void): Promise<void> {
  const { fitted, counts, staged } = decided
  const expected = counts.create + counts.update
  if (expected === 0) return
  let written = 0
  const pages = async (sql: string, rows: number): Promise<void> => {
    if (rows === 0) return
    for (let from = 0; from < staged.rows && list.count < ENOUGH_REFUSED; from += PAGE_RECORDS) {
      written += await writeRange(statements, decided, sql, [from, Math.min(from + PAGE_RECORDS, staged.rows)], list)
      onProgress(written)
    }
  }
  const bringBack = await setAside(statements, decided)
  await pages(updateSql(decided), counts.update - counts.swap)
  if (list.count === 0) written += await refusable(bringBack, fitted, list)
  await pages(insertSql(decided), counts.create)
  onProgress(written)
  if (list.count === 0 && written !== expected) {
    throw new HoldfastError(
      'E_STORE_FAILED',
      `${fitted.live.table} took ${written} of ${expected} records, though nothing refused the others; nothing was committed`,
      {
        details: { entity: fitted.item.entity, written, expected },
      },
    )
  }
}

/** Before anything else is written, with foreign keys unchecked: what goes may hold unique values that come back elsewhere. */
export async function deleteRows(statements: TargetStatements, { staged, fitted, counts }: DecidedItem): Promise<void> {
  if (counts.delete === 0) return
  const gone = await statements.run(
    'deleting rows',
    `DELETE l FROM ${staged.actions} a STRAIGHT_JOIN ${staged.table} s ON s.${LINE} = a.line STRAIGHT_JOIN ${fitted.live.table} l ON ${sameKey(fitted, 'l', 's')}
     WHERE a.act = ${ACTION_CODE.delete}`,
  )
  if (gone === counts.delete) return
  throw new HoldfastError('E_STORE_FAILED', `${fitted.live.table} let go of ${gone} of ${counts.delete} rows; nothing was committed`, {
    details: { entity: fitted.item.entity, deleted: gone, expected: counts.delete },
  })
}

/** One statement for the records behind `from` up to `to`; when one of them is refused, two for its halves, to learn which. A refused statement has changed nothing. */
async function writeRange(
  statements: TargetStatements,
  decided: DecidedItem,
  sql: string,
  [from, to]: readonly [number, number],
  list: ProblemList,
): Promise<number> {
  try {
    return await statements.run('writing the records', `${sql} AND a.line > ${from} AND a.line <= ${to}`)
  } catch (error) {
    const cause = causeOf(error)
    if (!cause) throw error
    if (to - from === 1) {
      list.add([{ entity: decided.fitted.item.entity, key: await keyOf(statements, decided, to), line: to, cause, message: refusalOf(error) }], 1)
      return 0
    }
  }
  const middle = from + Math.floor((to - from) / 2)
  let rows = 0
  for (const half of [
    [from, middle],
    [middle, to],
  ] as const)
    if (list.count < ENOUGH_REFUSED) rows += await writeRange(statements, decided, sql, half, list)
  return rows
}

async function keyOf(statements: TargetStatements, { fitted, staged }: DecidedItem, line: number): Promise<string | null> {
  const [row] = await statements.rows('naming a record', `SELECT ${keyColumns(fitted, 's')} FROM ${staged.table} s WHERE s.${LINE} = ${line}`)
  return row ? keyOfRow(fitted, row) : null
}

async function refusable(write: () => Promise<number>, fitted: FittedItem, list: ProblemList): Promise<number> {
  try {
    return await write()
  } catch (error) {
    const cause = causeOf(error)
    if (!cause) throw error
    list.add([{ entity: fitted.item.entity, key: null, cause, message: refusalOf(error) }], 1)
    return 0
  }
}

const source = ({ staged }: DecidedItem): string => `${staged.actions} a STRAIGHT_JOIN ${staged.table} s ON s.${LINE} = a.line`

function updateSql(decided: DecidedItem): string {
  const { live, fields, key } = decided.fitted
  const set = fields.filter((field) => field.written && !(key.includes(field) && isExact(field)))
  const written = new Set(set.map(({ column }) => column))
  const mapped = new Set(fields.map(({ column }) => column))
  // Named with its own value, a column with ON UPDATE CURRENT_TIMESTAMP keeps it.
  const kept = live.columns.filter(({ name, touched }) => touched && !written.has(name) && !mapped.has(name)).map(({ name }) => name)
  const list = [
    ...set.map(({ column }) => `${columnOf('l', column)} = ${columnOf('s', column)}`),
    ...kept.map((name) => `${columnOf('l', name)} = ${columnOf('l', name)}`),
  ]
  return `UPDATE ${source(decided)} STRAIGHT_JOIN ${live.table} l ON ${sameKey(decided.fitted, 'l', 's')} SET ${list.join(', ')} WHERE a.act = ${ACTION_CODE.update}`
}

/** Equal keys of these kinds are the same bytes. */
const isExact = ({ live }: FittedField): boolean => live.type.kind !== 'text' && live.type.kind !== 'float'

function insertSql(decided: DecidedItem): string {
  const columns = decided.fitted.fields.filter((field) => field.written).map(({ column }) => column)
  return `INSERT INTO ${decided.fitted.live.table} (${columns.map(quoteIdent).join(', ')}) SELECT ${columns.map((column) => columnOf('s', column)).join(', ')}
    FROM ${source(decided)} WHERE a.act = ${ACTION_CODE.create}`
}
