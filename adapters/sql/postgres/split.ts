import type { KeyRange, KeyText } from '../../../src/contracts/key-range.ts'
import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import type { PostgresEntity } from './catalog.ts'
import { fromRows } from './from-rows.ts'
import { keyOrder } from './key-sql.ts'
import { readKeyTexts } from './read-key-texts.ts'
import { quoteIdent } from './quote.ts'

/** Heap pages that a split looks at: 4 MiB. Quantiles of so many random pages are within a few hundredths of the table's. */
const SAMPLED_PAGES = 512

/**
 * The SQL of the first keys of each of `parts` equal parts of a sample of the table, but the first part. The sample is of whole pages, the same
 * ones each time; keys of it are in the snapshot, whatever statistics the planner has, and serve keys of any number of columns.
 */
export function splitSql(entity: PostgresEntity, parts: number, pages: number): string {
  // Names of our own: a column may be called anything, `part` too.
  const keys = entity.key.map(({ column }, place) => `t.${quoteIdent(column)} AS k${place}`).join(', ')
  const names = entity.key.map((_, place) => `k${place}`).join(', ')
  const sample = pages <= SAMPLED_PAGES ? '' : ` TABLESAMPLE SYSTEM (${(SAMPLED_PAGES / pages) * 100}) REPEATABLE (0)`
  return `SELECT ${names} FROM (
      SELECT ${names}, part, lag(part) OVER (ORDER BY ${names}) AS previous FROM (
        SELECT ${keys}, ntile(${parts}) OVER (ORDER BY ${keyOrder(entity.key)}) AS part ${fromRows(entity, sample)}) AS sample) AS t
    WHERE part <> previous ORDER BY ${names}`
}

/** The keys that `splitSql` finds, from record lines of nothing but the key: so a bound is made as the key text of any record is. */
export async function readBounds(lines: AsyncIterable<RecordBatch>, key: readonly string[]): Promise<readonly KeyText[]> {
  const bounds: KeyText[] = []
  for await (const keys of readKeyTexts(lines, key)) bounds.push(...keys)
  return bounds
}

/** Ranges between bounds in key order; one that repeats (an inheritance child may hold its parent's key) is no bound. */
export function rangesBetween(bounds: readonly KeyText[]): readonly KeyRange[] {
  const distinct = [...new Set(bounds)]
  return [null, ...distinct].map((from, place) => ({ from, to: distinct[place] ?? null }))
}
