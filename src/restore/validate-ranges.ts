import { type ChunkStore, type RangeEntry, verifyRange } from '../archive/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import { storedBytesOf } from './snapshot-lines.ts'

export interface RangeToValidate {
  readonly chunks: ChunkStore
  readonly range: RangeEntry
  readonly done: () => void
}

/** Ranges fetched, decompressed and hashed at once. More would not be faster: two cores are busy with two. */
const IN_FLIGHT = 3

/**
 * Proves every chunk that is going to be loaded straight into the live tables, and counts it. Of the others each is proved while it is staged, beside the live tables: before anything is
 * written to those, too.
 */
export async function validateStores(stores: readonly OpenStore[], { bucket, meters, signal }: RestoreContext): Promise<void> {
  const direct = stores.filter((store) => store.direct)
  if (direct.length === 0) return
  meters.begin('validating')
  const work: RangeToValidate[] = []
  for (const { archived, loaded, shape } of direct.flatMap(({ items }) => items)) {
    if (shape.atHand) continue
    const { chunks } = await bucket(archived.bucket)
    const meter = meters.of(archived)
    let rows = 0
    for (const range of loaded) {
      const done = () => {
        meter.reached((rows += range.rows))
        meters.stored(storedBytesOf(range))
      }
      work.push({ chunks, range, done })
    }
  }
  await validateRanges(work, { signal })
}

/**
 * Proves every chunk before the first row is written: stored bytes, plain bytes, hash and row count, and that the layers of a range fit together. The first bad one ends it
 * with `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_MISSING` or `E_ARCHIVE_FORMAT`.
 */
export async function validateRanges(work: readonly RangeToValidate[], { signal }: AbortableOptions = {}): Promise<void> {
  let next = 0
  let failed = false
  const lane = async () => {
    for (let at = next++; at < work.length && !failed; at = next++) {
      throwIfAborted(signal)
      const { chunks, range, done } = work[at]!
      await verifyRange(chunks, range, { level: 'plain', signal })
      done()
    }
  }
  const lanes = Array.from({ length: IN_FLIGHT }, () =>
    lane().catch((error: unknown) => {
      failed = true
      throw error
    }),
  )
  const outcomes = await Promise.allSettled(lanes)
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure) throw failure.reason
}
