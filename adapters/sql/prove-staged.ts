import type { Hash } from 'node:crypto'
import type { LineSource, StageOptions } from '../../src/contracts/restore-target.ts'
import { throwIfAborted } from '../../src/kernel/abort.ts'
import type { StagedLedger } from './staged-ledger.ts'

/** Records that an interrupted restore has staged, proved to be the first ones of now. */
export interface ProvedRecords {
  readonly rows: number
  readonly indexed: boolean
  /** Of their lines. */
  readonly hash: Hash
  /** The lines behind them. */
  readonly rest: AsyncIterable<Uint8Array>
}

const NEWLINE = 0x0a

/**
 * Holds the lines of now against what a staging table was loaded with: the first ones, as many as its ledger says, have the hash that stands there. So whatever becomes of lines on their way here, none is taken
 * for another. The lines are read for it, once; what is saved is loading them. `hash` is that of no line yet. Null where they are others.
 */
export async function proveStaged(lines: LineSource, ledger: StagedLedger, hash: Hash, options: StageOptions): Promise<ProvedRecords | null> {
  const source = lines.open(options)[Symbol.asyncIterator]()
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
    return { rows: ledger.rows, indexed: ledger.indexed, hash, rest: following(next, source) }
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
