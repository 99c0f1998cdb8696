import type { CauseClass } from '../../../../src/contracts/restore-target.ts'
import type { TextRow } from '../query.ts'
import type { FittedItem } from './fit-record.ts'
import type { ProblemList } from '../../problem-list.ts'
import { keyColumns, keyOfRow } from './record-key.ts'
import type { TargetTransaction } from './target-session.ts'

/** A query for records that cannot stand. */
export interface ProblemSearch {
  readonly fitted: FittedItem
  /** What follows SELECT's list; `w` is the alias of the rows, with live column names. */
  readonly from: string
  /** SQL of the record's number; null when it has none. */
  readonly line: string | null
  /** Further columns, as text, for the message. */
  readonly also?: string
  readonly cause: CauseClass
  readonly message: (row: TextRow) => string
}

/** Counts all rows of the searches and lists as many as there is room for, of the first searches first. */
export async function findProblems(tx: TargetTransaction, searches: readonly ProblemSearch[], list: ProblemList): Promise<void> {
  const limit = Math.max(1, list.room)
  const found = await tx.all(
    'looking for records that cannot stand',
    searches.map((search) => [searchSql(search, limit)]),
  )
  for (const [at, search] of searches.entries()) {
    const rows = found[at]!
    const problems = rows.map((row) => ({
      entity: search.fitted.item.entity,
      key: keyOfRow(search.fitted, row),
      ...(row.line === null ? {} : { line: Number(row.line) }),
      cause: search.cause,
      message: search.message(row),
    }))
    list.add(problems, Number(rows[0]?.found ?? 0))
  }
}

function searchSql({ fitted, line, also, from }: ProblemSearch, limit: number): string {
  const order = line ?? fitted.key.map((_, at) => `k${at}`).join(', ')
  return `SELECT count(*) OVER ()::text AS found, ${line ?? 'NULL'}::text AS line, ${keyColumns(fitted, 'w')}${also ? `, ${also}` : ''} ${from} ORDER BY ${order} LIMIT ${limit}`
}
