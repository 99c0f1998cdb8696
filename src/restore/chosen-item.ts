import type { ChunkStore, ManifestEntity, RangeEntry } from '../archive/index.ts'
import type { KnownRange } from '../contracts/key-range.ts'
import type { MergeItem, RecordProblem } from '../contracts/restore-target.ts'
import type { LeftRange } from './left-ranges.ts'
import type { LineShape } from './line-shape.ts'
import { filledRanges, snapshotLines } from './snapshot-lines.ts'

/** One entity on its way back: what the target works on, and where it comes from. */
export interface ChosenItem extends MergeItem {
  readonly archived: ManifestEntity
  readonly shape: LineShape
  /** The ranges whose records are loaded; those of all others that hold any are live as they are. */
  readonly loaded: readonly RangeEntry[]
  /** Ranges of which records are left out; of `loaded` ones among them only some rows are loaded. */
  readonly left: readonly LeftRange[]
  readonly unchanged: readonly KnownRange[]
}

export interface ChosenItemOptions extends Pick<MergeItem, 'policy' | 'mode' | 'create' | 'deleteExtra' | 'partial'> {
  readonly archived: ManifestEntity
  readonly shape: LineShape
  readonly chunks: ChunkStore
  readonly onStored: (bytes: number) => void
}

export function chosenItem({ archived, shape, chunks, onStored, ...how }: ChosenItemOptions): ChosenItem {
  const loaded = filledRanges(archived)
  return {
    record: shape.record,
    entity: archived.descriptor.name,
    ...how,
    lines: shape.apply(snapshotLines(loaded, chunks, onStored), loaded),
    archived,
    shape,
    loaded,
    left: [],
    unchanged: [],
  }
}

/** The item without the records that are live as they are. */
export function withoutUnchanged(
  item: ChosenItem,
  left: readonly LeftRange[],
  { chunks, onStored }: Pick<ChosenItemOptions, 'chunks' | 'onStored'>,
): ChosenItem {
  const loads = new Map(left.map(({ seen, load }) => [seen.range.from, load]))
  const loaded = filledRanges(item.archived).filter(({ from }) => loads.get(from) !== null)
  const lines = snapshotLines(loaded, chunks, onStored, ({ from }) => loads.get(from) ?? null)
  return { ...item, loaded, left, unchanged: left.map(({ seen }) => seen), lines: item.shape.apply(lines, loaded) }
}

/** Records that are accounted for: loaded, or live as they are. */
export function recordsOf(item: Pick<ChosenItem, 'lines' | 'left'>): number {
  return item.lines.rows + unchangedRows(item)
}

/** Records that were left out. */
export function unchangedRows({ left }: Pick<ChosenItem, 'left'>): number {
  return left.reduce((sum, { rows }) => sum + rows, 0)
}

/** Of the ranges that hold records: how many there are, and how many were left out. */
export function rangeCounts({ loaded, left }: Pick<ChosenItem, 'loaded' | 'left'>): { readonly ranges: number; readonly skippedRanges: number } {
  const skippedRanges = left.filter(({ load }) => load === null).length
  return { ranges: loaded.length + skippedRanges, skippedRanges }
}

/** Problems name records by their number among those that were loaded; people count those of the entity. */
export function renumbered<P extends RecordProblem>(problems: readonly P[], items: readonly ChosenItem[]): readonly P[] {
  return problems.map((problem) => {
    const item = items.find(({ entity }) => entity === problem.entity)
    return problem.line === undefined || !item ? problem : { ...problem, line: lineOf(item, problem.line) }
  })
}

function lineOf({ archived, loaded, left, lines }: ChosenItem, line: number): number {
  const loads = new Map(left.map(({ seen, load }) => [seen.range.from, load]))
  const rowsOf = ({ from, rows }: RangeEntry) => loads.get(from)?.size ?? rows
  // Of chosen rows it is their own number.
  if (lines.rows !== loaded.reduce((sum, range) => sum + rowsOf(range), 0)) return line
  let remaining = line
  let before = 0
  for (const range of filledRanges(archived)) {
    const load = loads.get(range.from)
    if (load !== null) {
      if (remaining <= rowsOf(range)) return before + (load ? load.nth(remaining) + 1 : remaining)
      remaining -= rowsOf(range)
    }
    before += range.rows
  }
  return line
}
