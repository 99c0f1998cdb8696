import type { ChunkStore } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { EntityCopy } from './entity-copy.ts'

/** Rows are hardly ever compressed further. */
const BEST_COMPRESSION = 50

export interface AssertRoomOptions extends AbortableOptions {
  /** There is no earlier snapshot, whose chunks may be found in place. */
  readonly first: () => Promise<boolean>
}

/**
 * Does it fit? Of entities of which nothing is known that could serve, all rows are to be stored: by the estimate of the database, which may be wrong. What cannot fit, however well it is
 * compressed, is refused before a chunk is stored; what fits only when it is compressed well is told of, as is a full over earlier snapshots, which may find its chunks in place.
 *
 * @returns warnings
 * @throws `E_STORAGE_FULL`
 */
export async function assertRoom(copies: readonly EntityCopy[], { first, ...options }: AssertRoomOptions): Promise<readonly string[]> {
  const byStore = Map.groupBy(copies, ({ chunks }) => chunks)
  const warnings: string[] = []
  for (const [chunks, group] of byStore) {
    const plain = group.reduce((sum, copy) => sum + (hasBase(copy) ? 0 : copy.estimatedBytes), 0)
    if (plain === 0) continue
    const free = await freeOf(chunks, options)
    if (free === null || free >= plain) continue
    const { bucket } = group[0]!.resolved
    const sizes = `about ${mebibytes(plain)} of rows are to be stored in bucket "${bucket}", whose storage has ${mebibytes(free)} free`
    if (free * BEST_COMPRESSION < plain && (await first()))
      throw new HoldfastError('E_STORAGE_FULL', `the backup cannot fit: ${sizes}`, { details: { bucket, freeBytes: free, estimatedPlainBytes: plain } })
    warnings.push(`The backup may not fit: ${sizes}; compression, or chunks that are there already, have to make up for it.`)
  }
  return warnings
}

function hasBase({ image }: EntityCopy): boolean {
  for (const { known } of image.pieces()) if (known !== null) return true
  return false
}

/** A storage that fails to tell is found out by the first put, with its own error. */
async function freeOf(chunks: ChunkStore, options: AbortableOptions): Promise<number | null> {
  return chunks.freeBytes(options).catch(() => null)
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}
