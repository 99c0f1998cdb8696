import type { Hash } from 'node:crypto'
import type { StageOptions } from '../../../../src/contracts/restore-target.ts'
import { throwIfAborted } from '../../../../src/kernel/abort.ts'
import { quoteLiteral } from '../quote.ts'
import type { FittedItem } from './fit-record.ts'
import { LINE } from './row-sql.ts'
import { lineHash, shapeOf } from './staged-ledger.ts'
import type { LeftTable, StagingArea } from './staging-area.ts'
import type { TargetSession } from './target-session.ts'

/** Records of an interrupted restore that are those of this one. */
export interface TakenUp {
  readonly table: string
  readonly rows: number
  readonly indexed: boolean
  /** Of their lines. */
  readonly hash: Hash
  /** The lines behind them. */
  readonly rest: AsyncIterable<Uint8Array>
}

const NEWLINE = 0x0a

/**
 * Goes on with what an interrupted restore has staged of these records, where it is proved to be that: the table has the columns that it would be made with today and as many records as its ledger says, and their lines
 * have the hash of the first lines of now, whatever becomes of lines on their way here. Else it is dropped. The lines are read for it, once; what is saved is loading them.
 */
export async function takeUpStaged(session: TargetSession, area: StagingArea, fitted: FittedItem, options: StageOptions): Promise<TakenUp | null> {
  const { resumes } = area
  const left = resumes === null ? null : area.left(shapeOf(fitted))
  if (!left) return null
  const taken = (await isWhole(session, fitted, left)) ? await proved(fitted, left, lineHash(resumes!), options) : null
  if (!taken) await session.transaction((tx) => tx.rows('dropping a staging table', `DROP TABLE ${left.table}`), { signal: options.signal, ending: 'passing' })
  return taken
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

async function proved({ item }: FittedItem, { table, ledger }: LeftTable, hash: Hash, options: StageOptions): Promise<TakenUp | null> {
  const source = item.lines.open(options)[Symbol.asyncIterator]()
  const giveUp = async () => {
    await source.return?.()
    return null
  }
  let head: Uint8Array | null = null
  try {
    for (let rows = 0; rows < ledger.rows;) {
      throwIfAborted(options.signal)
      const { done, value } = await source.next()
      if (done) return null
      let end = -1
      for (; rows < ledger.rows; rows++) {
        const at = value.indexOf(NEWLINE, end + 1)
        if (at < 0) break
        end = at
      }
      hash.update(value.subarray(0, end + 1))
      if (end + 1 < value.byteLength) head = value.subarray(end + 1)
    }
    if (hash.copy().digest('hex') !== ledger.sha256) return await giveUp()
    const next: IteratorResult<Uint8Array> = head ? { done: false, value: head } : await source.next()
    if (ledger.indexed && !next.done) return await giveUp()
    options.onProgress?.(ledger.rows)
    return { table, rows: ledger.rows, indexed: ledger.indexed, hash, rest: following(next, source) }
  } catch (error) {
    await source.return?.()
    throw error
  }
}

async function* following(first: IteratorResult<Uint8Array>, source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let next = first; !next.done; next = await source.next()) yield next.value
  } finally {
    await source.return?.()
  }
}
