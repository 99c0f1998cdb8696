import type { DeltaRange } from './delta-run.ts'
import { plainBytesOf } from './stored-range.ts'

/** Lines of a run that are held in memory while its ranges are worked through. */
const RUN_BYTES = 16 * 1024 * 1024
/** Below this a run is not worth a query of its own. */
const LEAST_RANGES = 8

/**
 * Adjacent ranges that the same snapshot confirmed, in runs. Rows that were written since are found by going through the table, so such runs are as long as memory
 * allows; ranges that only lost rows need their keys, which are found by index: enough runs of them for every reader.
 */
export function* deltaRuns(ranges: readonly DeltaRange[], readers: number): Generator<readonly DeltaRange[]> {
  const most = Math.max(LEAST_RANGES, Math.ceil(ranges.length / readers))
  let run: DeltaRange[] = []
  let bytes = 0
  for (const range of ranges) {
    const own = changedBytes(range)
    const last = run.at(-1)
    const fits = bytes + own === 0 ? run.length < most : bytes + own <= RUN_BYTES
    const follows = last !== undefined && last.range.to === range.range.from && sameSnapshot(last, range) && fits
    if (!follows && run.length > 0) {
      yield run
      run = []
      bytes = 0
    }
    run.push(range)
    bytes += own
  }
  if (run.length > 0) yield run
}

function changedBytes({ known, changedRows }: DeltaRange): number {
  return (plainBytesOf(known.entry) * changedRows) / known.rows
}

function sameSnapshot(a: DeltaRange, b: DeltaRange): boolean {
  return a.known.evidence === b.known.evidence || JSON.stringify(a.known.evidence) === JSON.stringify(b.known.evidence)
}
