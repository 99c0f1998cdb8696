import { holdsKeys, rangeKeys } from '../archive/index.ts'
import type { ChangeEvidence } from '../contracts/change-evidence.ts'
import type { ConsistentView } from '../contracts/consistent-view.ts'
import type { KeyRange, KeyText } from '../contracts/key-range.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { createKeyTextReader } from '../record/index.ts'
import { paysAsDelta } from './change-share.ts'
import { ChunkPipeline } from './chunk-pipeline.ts'
import { diffKeys, type RangeChange } from './diff-keys.ts'
import type { EntityCopy } from './entity-copy.ts'
import { type LiveLine, storeDelta, type StoreDeltaOptions } from './store-delta.ts'
import type { StoredRange } from './stored-range.ts'
import { unlessUnreadable } from './unless-unreadable.ts'

/** A known range of which the view can tell the rows that were written since. */
export interface DeltaRange {
  readonly range: KeyRange
  readonly known: StoredRange
  readonly evidence: ChangeEvidence
  /** Rows now in it, and how many of them were written since. */
  readonly rows: number
  readonly changedRows: number
}

export interface DeltaRunOptions extends StoreDeltaOptions {
  readonly pausing: () => boolean
  readonly onMoved: () => void
}

/** Deltas of a run on their way to the storage. Each is small, and waits for a disk or a network most of its time. */
const STORED_AT_ONCE = 4

/**
 * Stores what changed in adjacent ranges that one snapshot confirmed, as one delta each, reading only rows that were written since, and the keys of ranges in which
 * rows may have come or gone. Returns the ranges that have to be read whole after all.
 *
 * Rows come in key order and ranges stand in key order, so the counts that the view gave for each range tell where its rows end.
 */
export async function readDeltaRun(copy: EntityCopy, run: readonly DeltaRange[], options: DeltaRunOptions): Promise<readonly DeltaRange[]> {
  const { signal } = options
  const lines = await readChangedLines(copy, run, { signal })
  const keys = new RunKeys(copy.view, copy.resolved.entity, run, { signal })
  const whole: DeltaRange[] = []
  const storing = new ChunkPipeline<DeltaRange | null>(
    STORED_AT_ONCE,
    (left) => {
      if (left) whole.push(left)
      else {
        copy.closePart()
        options.onMoved()
      }
    },
    () => {},
  )
  try {
    for (const [at, range] of run.entries()) {
      if (options.pausing()) break
      const changed = lines[at]!
      const ahead = await keys.ahead(range)
      await storing.add(async () => {
        const changes = await changesOf(copy, range, new Set(changed.keys()), { ahead, keys })
        const pays = changes !== null && paysAsDelta(changes.length, range.known.rows)
        return pays && (await storeDelta(copy, range.known, changes, changed, { rows: range.rows }, options)) ? null : range
      })
    }
    await storing.drain()
  } finally {
    await storing.drain().catch(() => {}) // told above
    await keys.close()
  }
  return options.pausing() ? [] : whole
}

interface LiveKeys {
  /** Those of the range, when the keys of the run are read in one go. */
  readonly ahead: readonly KeyText[] | null
  readonly keys: RunKeys
}

async function changesOf(copy: EntityCopy, range: DeltaRange, changed: ReadonlySet<KeyText>, { ahead, keys }: LiveKeys): Promise<RangeChange[] | null> {
  const { signal } = keys
  const { entry } = range.known
  // Nothing was added or removed when all changed keys were there and the count did not move.
  if (!ahead && range.rows === range.known.rows) {
    const updated = await unlessUnreadable(() => holdsKeys(copy.chunks, entry, changed, { signal }))
    if (updated === null) return null
    if (updated) return [...changed].map((key) => ({ do: 'upsert', key }))
  }
  const base = await unlessUnreadable(async () => [...(await rangeKeys(copy.chunks, entry, { signal })).keys()])
  return base && diffKeys(base, ahead ?? (await keys.of(range)), changed)
}

/** The changed rows of each range, by key, in key order. */
async function readChangedLines(copy: EntityCopy, run: readonly DeltaRange[], options: AbortableOptions): Promise<Map<KeyText, LiveLine>[]> {
  const span = { from: run[0]!.range.from, to: run.at(-1)!.range.to }
  const keyOf = createKeyTextReader(copy.descriptor.key.length)
  const lines = run.map(() => new Map<KeyText, LiveLine>())
  if (run.every(({ changedRows }) => changedRows === 0)) return lines
  let at = 0
  let taken = 0
  const batches = copy.view.readChanged!(copy.resolved.entity, span, run[0]!.known.evidence, { ...options, references: copy.references })
  for await (const batch of batches) {
    for (let row = 0; row < batch.rows; row++) {
      while (taken === run[at]?.changedRows) {
        at++
        taken = 0
      }
      if (at === run.length) throw miscounted(copy)
      const start = row === 0 ? 0 : batch.marks[(row - 1) * batch.stride]!
      lines[at]!.set(keyOf(batch.bytes, start, batch.marks[row * batch.stride + 1]!), { batch, row })
      taken++
    }
  }
  while (taken === run[at]?.changedRows) {
    at++
    taken = 0
  }
  if (at < run.length) throw miscounted(copy)
  return lines
}

function miscounted({ resolved }: EntityCopy): HoldfastError {
  return new HoldfastError('E_STORE_FAILED', `${resolved.entity}: the view does not give the changed rows that it counted`, {
    hint: 'This is a defect of Holdfast or of the entity store; nothing was published.',
  })
}

/** Keys of the ranges of a run: in one go when most ranges need them, else range by range. */
class RunKeys {
  readonly signal: AbortSignal | undefined
  readonly #read: (range: KeyRange) => AsyncIterable<readonly KeyText[]>
  readonly #ahead: AsyncIterator<readonly KeyText[]> | null
  #left: readonly KeyText[] = []

  constructor(view: ConsistentView, entity: string, run: readonly DeltaRange[], { signal }: AbortableOptions) {
    this.signal = signal
    this.#read = (range) => view.readKeys!(entity, range, { signal })
    const needed = run.filter(({ rows, known }) => rows !== known.rows).length
    const all = needed * 2 > run.length
    this.#ahead = all ? this.#read({ from: run[0]!.range.from, to: run.at(-1)!.range.to })[Symbol.asyncIterator]() : null
  }

  /** The keys of the next range, when all are read in one go. */
  async ahead({ rows }: DeltaRange): Promise<readonly KeyText[] | null> {
    if (!this.#ahead) return null
    const keys: KeyText[] = []
    while (keys.length < rows) {
      if (this.#left.length === 0) {
        const step = await this.#ahead.next()
        if (step.done) break
        this.#left = step.value
      }
      const some = this.#left.slice(0, rows - keys.length)
      for (const key of some) keys.push(key)
      this.#left = this.#left.slice(some.length)
    }
    return keys
  }

  async of({ range }: DeltaRange): Promise<readonly KeyText[]> {
    const keys: KeyText[] = []
    for await (const some of this.#read(range)) for (const key of some) keys.push(key)
    return keys
  }

  async close(): Promise<void> {
    await this.#ahead?.return?.()
  }
}
