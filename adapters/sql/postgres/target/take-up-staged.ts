import type { StageOptions } from '../../../../src/contracts/restore-target.ts'
import { type ProvedRecords, proveStaged } from '../../prove-staged.ts'
import { lineHash } from '../../staged-ledger.ts'
import { quoteLiteral } from '../quote.ts'
import type { FittedItem } from './fit-record.ts'
import { LINE } from './row-sql.ts'
import type { LeftTable, StagingArea } from './staging-area.ts'
import { shapeOfTable } from './staging-comment.ts'
import type { TargetSession } from './target-session.ts'

/** Records of an interrupted restore that are those of this one. */
export interface TakenUp extends ProvedRecords {
  readonly table: string
}

/**
 * Goes on with what an interrupted restore has staged of these records, where it is proved to be that: the table has the columns that it would be made with today and as many records as its ledger says, and they are
 * the lines of now. Else it is dropped.
 */
export async function takeUpStaged(session: TargetSession, area: StagingArea, fitted: FittedItem, options: StageOptions): Promise<TakenUp | null> {
  const { resumes } = area
  const left = resumes === null ? null : area.left(shapeOfTable(fitted))
  if (!left) return null
  const { table, ledger } = left
  const proved = (await isWhole(session, fitted, left)) ? await proveStaged(fitted.item.lines, ledger, lineHash(resumes!), options) : null
  if (proved) return { table, ...proved }
  await session.transaction((tx) => tx.rows('dropping a staging table', `DROP TABLE ${table}`), { signal: options.signal, ending: 'passing' })
  return null
}

/** An unlogged table is empty after a crash of the server; a type may have become another under the same name. */
async function isWhole(session: TargetSession, { live, fields }: FittedItem, { table, ledger }: LeftTable): Promise<boolean> {
  const columns = (of: string, order: string) =>
    `(SELECT json_agg(json_build_array(attname, atttypid, atttypmod, attcollation) ORDER BY ${order})::text FROM pg_attribute WHERE attrelid = ${quoteLiteral(of)}::regclass AND attnum > 0 AND NOT attisdropped AND attname = ANY (${names}))`
  const names = `ARRAY[${fields.map(({ column }) => quoteLiteral(column)).join(', ')}]::name[]`
  const [row] = await session.transaction((tx) =>
    tx.rows(
      'looking at what is staged',
      `SELECT (${columns(table, 'attnum')} = ${columns(live.table, `array_position(${names}, attname)`)})::text AS alike, counted.* FROM (SELECT count(*)::text AS rows, coalesce(max(${LINE}), 0)::text AS last FROM ${table}) counted`,
    ),
  )
  return row?.alike === 'true' && row.rows === `${ledger.rows}` && row.last === `${ledger.rows}`
}
