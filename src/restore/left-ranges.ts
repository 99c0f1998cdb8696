import { type ChunkStore, type RangeEntry, rangeKeys } from '../archive/index.ts'
import type { ChangeEvidence } from '../contracts/change-evidence.ts'
import type { KeyRange, KeyText, KnownRange } from '../contracts/key-range.ts'
import type { LiveLook } from '../contracts/restore-target.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { RowSet } from './row-set.ts'

/** A range of which records are left out, because the live table has them as they are. */
export interface LeftRange {
  /** What the look saw in the range, and what it must hold when it counts. */
  readonly seen: KnownRange
  /** Records that are left out. */
  readonly rows: number
  /** Records that are loaded all the same, by their number; null when none is. */
  readonly load: RowSet | null
}

/** A range that holds rows which were written since, or fewer than it did. */
export interface ChangedRange {
  readonly entry: RangeEntry
  readonly known: KnownRange
  /** Of the look. */
  readonly evidence: ChangeEvidence
  /** Rows now in it, and how many of them were written since. */
  readonly rows: number
  readonly changedRows: number
}

/** Of the records of a range: if more have to be loaded, telling them from the others saves too little. */
const MOST_LOADED = 0.75

/**
 * Finds the records that have to be loaded of ranges which are not live as they were. A live row that was not written since is exactly the row of the snapshot, so what is to be loaded is
 * what no such row has the key of; and it is known beforehand how many that are. Ranges of which most would have to be loaded are not among the answers.
 */
export async function leftRanges(
  entity: string,
  changed: readonly ChangedRange[],
  { live, chunks, signal }: AbortableOptions & { readonly live: LiveLook; readonly chunks: ChunkStore },
): Promise<readonly LeftRange[]> {
  const { keysSince } = live
  if (!keysSince) return []
  const left: LeftRange[] = []
  const leave = (range: ChangedRange, load: RowSet | null) => {
    const { known, rows, evidence } = range
    left.push({ seen: { range: known.range, rows, sha256: null, evidence }, rows: stayingRows(range), load })
  }
  const open: ChangedRange[] = []
  for (const range of changed) {
    if (toLoad(range) === 0) leave(range, null)
    else if (toLoad(range) > 0 && toLoad(range) <= range.known.rows * MOST_LOADED) open.push(range)
  }
  // As many rows as before: they were probably all updated, so that the keys of the updated ones are enough.
  const lost = open.filter(({ rows, known }) => rows !== known.rows)
  for await (const [range, keys] of keysOfRanges(entity, except(open, lost), 'newer', keysSince, { signal })) {
    const load = await rowsWith(chunks, range.entry, new Set(keys), { signal })
    if (load.size === toLoad(range)) leave(range, load)
    else lost.push(range)
  }
  const inOrder = open.filter((range) => lost.includes(range))
  for await (const [range, keys] of keysOfRanges(entity, inOrder, 'older', keysSince, { signal })) {
    const load = await rowsWithout(chunks, range.entry, keys, { signal })
    if (load?.size === toLoad(range)) leave(range, load)
  }
  return left
}

const stayingRows = ({ rows, changedRows }: ChangedRange): number => rows - changedRows
const toLoad = (range: ChangedRange): number => range.known.rows - stayingRows(range)

function except<T>(all: readonly T[], some: readonly T[]): readonly T[] {
  const out = new Set(some)
  return all.filter((one) => !out.has(one))
}

/** Keys of each range, in key order: of ranges side by side in one go, cut where the counts say. */
async function* keysOfRanges(
  entity: string,
  ranges: readonly ChangedRange[],
  which: 'newer' | 'older',
  keysSince: NonNullable<LiveLook['keysSince']>,
  options: AbortableOptions,
): AsyncGenerator<readonly [ChangedRange, readonly KeyText[]], void, undefined> {
  for (const run of runsOf(ranges)) {
    const span: KeyRange = { from: run[0]!.known.range.from, to: run.at(-1)!.known.range.to }
    let left: KeyText[] = []
    let at = 0
    const count = (range: ChangedRange) => (which === 'newer' ? range.changedRows : stayingRows(range))
    for await (const some of keysSince(entity, span, run[0]!.known.evidence, which, options)) {
      for (const key of some) left.push(key)
      for (let range = run[at]; range && left.length >= count(range); range = run[++at]) {
        throwIfAborted(options.signal)
        yield [range, left.slice(0, count(range))]
        left = left.slice(count(range))
      }
    }
  }
}

/** Ranges that stand side by side and were confirmed by one snapshot. */
function runsOf(ranges: readonly ChangedRange[]): readonly (readonly ChangedRange[])[] {
  const runs: ChangedRange[][] = []
  for (const range of ranges) {
    const last = runs.at(-1)?.at(-1)
    const follows = last && last.known.range.to !== null && last.known.range.to === range.known.range.from && last.known.evidence === range.known.evidence
    if (follows) runs.at(-1)!.push(range)
    else runs.push([range])
  }
  return runs
}

/** Rows of the range that have one of the keys. */
async function rowsWith(chunks: ChunkStore, entry: RangeEntry, keys: ReadonlySet<KeyText>, options: AbortableOptions): Promise<RowSet> {
  const rows = new RowSet(entry.rows)
  const [base, ...deltas] = entry.layers
  if (base && deltas.length === 0) {
    for (const row of (await chunks.readIndex(base, options)).locate(keys).values()) rows.add(row)
    return rows
  }
  let row = 0
  for (const key of (await rangeKeys(chunks, entry, options)).keys()) {
    if (keys.has(key)) rows.add(row)
    row++
  }
  return rows
}

/** Rows of the range that have none of the keys, which stand in the same order. Null when they do not. */
async function rowsWithout(chunks: ChunkStore, entry: RangeEntry, keys: readonly KeyText[], options: AbortableOptions): Promise<RowSet | null> {
  const rows = new RowSet(entry.rows)
  let row = 0
  let at = 0
  for (const key of (await rangeKeys(chunks, entry, options)).keys()) {
    if (key === keys[at]) at++
    else rows.add(row)
    row++
  }
  return at === keys.length ? rows : null
}
