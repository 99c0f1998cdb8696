import type { RecordProblem } from '../../../../src/contracts/restore-target.ts'
import { quoteIdent } from '../quote.ts'
import type { FittedItem } from './fit-record.ts'
import { keyColumns, keyOfRow } from './record-key.ts'
import { LINE } from './row-sql.ts'
import type { TargetTransaction } from './target-session.ts'

/** At most so many repeated keys are named. */
const DUPLICATE_LIMIT = 100

/** What follows the name of a table for records, in the statement that creates it: the live columns, and the number of the record. */
export function tableShape({ live, fields }: FittedItem): string {
  return `WITH (autovacuum_enabled = false) AS SELECT ${fields.map(({ column }) => quoteIdent(column)).join(', ')}, NULL::bigint AS ${LINE} FROM ${live.table} WITH NO DATA`
}

/** The statement that loads records into a table of that shape. */
export function copyStatement(table: string, { fields }: FittedItem): string {
  return `COPY ${table} (${[...fields.map(({ column }) => quoteIdent(column)), LINE].join(', ')}) FROM STDIN`
}

/** Only columns by which the records are held against other rows. What values the others have is of no use to the planner, and takes its time to find out. */
export function analyzeStatement(table: string, { live, fields, key }: FittedItem): string {
  const used = new Set([
    ...key.map(({ column }) => column),
    ...live.references.flatMap(({ childColumns }) => childColumns),
    ...live.referencedBy.flatMap(({ parentColumns }) => parentColumns),
    ...live.uniques.flatMap(({ uses }) => uses),
  ])
  return `ANALYZE ${table} (${[...fields.flatMap(({ column }) => (used.has(column) ? quoteIdent(column) : [])), LINE].join(', ')})`
}

/** Records whose keys are repeated, the first of each not among them. `before`: statements that go to the database along with the question. */
export async function repeatedKeys(tx: TargetTransaction, fitted: FittedItem, table: string, before = ''): Promise<readonly RecordProblem[]> {
  const rows = await tx.rows('looking for repeated keys', `${before}${repeatedKeysSql(fitted, table)}`)
  return rows.map((row) => ({
    entity: fitted.item.entity,
    key: keyOfRow(fitted, row),
    line: Number(row.line),
    cause: 'validation',
    message: `the key is that of record ${row.first} as well`,
  }))
}

export function repeatedKeysSql(fitted: FittedItem, table: string): string {
  const key = fitted.key.map(({ column }) => quoteIdent(column)).join(', ')
  return `SELECT s.${LINE}::text AS line, s.first::text AS first, ${keyColumns(fitted, 's')}
     FROM (SELECT *, min(${LINE}) OVER (PARTITION BY ${key}) AS first FROM ${table}) s WHERE s.${LINE} > s.first ORDER BY s.${LINE} LIMIT ${DUPLICATE_LIMIT}`
}
