import type { ChunkStore, ManifestEntity, RangeEntry } from '../archive/index.ts'
import type { KnownRange } from '../contracts/key-range.ts'
import type { ConflictPolicy, MergeItem, RecordProblem } from '../contracts/restore-target.ts'
import { filledRanges, snapshotLines } from './snapshot-lines.ts'

/** One entity on its way back: what the target works on, and where it comes from. */
export interface ChosenItem extends MergeItem {
  readonly archived: ManifestEntity
  /** The ranges whose records are loaded; those of all others that hold any are live as they are. */
  readonly loaded: readonly RangeEntry[]
  readonly unchanged: readonly KnownRange[]
}

export interface ChosenItemOptions {
  readonly archived: ManifestEntity
  readonly chunks: ChunkStore
  readonly policy: ConflictPolicy
  readonly mode: MergeItem['mode']
  readonly onStored: (bytes: number) => void
}

export function chosenItem({ archived, chunks, policy, mode, onStored }: ChosenItemOptions): ChosenItem {
  const loaded = filledRanges(archived)
  return {
    record: archived.descriptor,
    entity: archived.descriptor.name,
    policy,
    mode,
    lines: snapshotLines(loaded, chunks, onStored),
    archived,
    loaded,
    unchanged: [],
  }
}

/** The item without the records of the ranges that are live as they are. */
export function withoutUnchanged(
  item: ChosenItem,
  unchanged: readonly KnownRange[],
  { chunks, onStored }: Pick<ChosenItemOptions, 'chunks' | 'onStored'>,
): ChosenItem {
  const starts = new Set(unchanged.map(({ range }) => range.from))
  const loaded = filledRanges(item.archived).filter(({ from }) => !starts.has(from))
  return { ...item, loaded, unchanged, lines: snapshotLines(loaded, chunks, onStored) }
}

/** Records that were left out. */
export function unchangedRows({ unchanged }: Pick<ChosenItem, 'unchanged'>): number {
  return unchanged.reduce((sum, { rows }) => sum + rows, 0)
}

/** Of the ranges that hold records: how many there are, and how many were left out. */
export function rangeCounts({ loaded, unchanged }: Pick<ChosenItem, 'loaded' | 'unchanged'>): { readonly ranges: number; readonly skippedRanges: number } {
  return { ranges: loaded.length + unchanged.length, skippedRanges: unchanged.length }
}

/** Problems name records by their number among those that were loaded; people count those of the entity. */
export function renumbered<P extends RecordProblem>(problems: readonly P[], items: readonly ChosenItem[]): readonly P[] {
  return problems.map((problem) => {
    const item = items.find(({ entity }) => entity === problem.entity)
    return problem.line === undefined || !item ? problem : { ...problem, line: lineOf(item, problem.line) }
  })
}

function lineOf({ archived, loaded }: ChosenItem, line: number): number {
  let left = line
  let before = 0
  for (const range of filledRanges(archived)) {
    if (loaded.includes(range)) {
      if (left <= range.rows) return before + left
      left -= range.rows
    }
    before += range.rows
  }
  return line
}
