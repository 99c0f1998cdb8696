import { type ChunkRef, type Manifest, type RangeEntry, type RepositoryScope, type VerifyLevel, verifyRange } from '../archive/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { type HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { VerifyReport } from './backup-discovery-service.ts'

/** Reads every chunk of a snapshot back as far as `level` says. Damages are collected; a storage that fails altogether throws. */
export async function verifySnapshot(
  manifest: Manifest,
  bucket: (name: string) => Promise<RepositoryScope>,
  level: VerifyLevel,
  { signal }: AbortableOptions,
): Promise<VerifyReport> {
  const damages: VerifyReport['damages'][number][] = []
  const seen = new Set<string>()
  let bytes = 0
  for (const entity of manifest.entities) {
    const { chunks } = await bucket(entity.bucket)
    const { store, name } = entity.descriptor
    for (const range of entity.ranges) {
      throwIfAborted(signal)
      // A change that was undone and made again stands in two layers, as one chunk.
      const fresh = range.layers.filter(({ name }) => seen.size < seen.add(`${entity.bucket}:${name}`).size)
      const found = range.layers.length > 1 && level === 'plain' ? await faultsOfLayers(chunks, range) : await faultsOf(chunks, fresh)
      for (const { ref, error } of found) damages.push({ store, entity: name, object: ref.name, code: error.code, message: error.message })
      for (const ref of fresh) if (!found.some((fault) => fault.ref === ref)) bytes += ref.storedBytes + ref.index.storedBytes
    }
  }
  return { snapshotId: manifest.snapshotId, level, chunks: seen.size, bytes, damages }

  /** Layers that are damaged; when each is sound by itself, but they do not fit together, the newest of them. */
  async function faultsOfLayers(chunks: RepositoryScope['chunks'], range: RangeEntry): Promise<Fault[]> {
    const error = await archiveError(verifyRange(chunks, range, { level, signal }))
    if (!error) return []
    const faults = await faultsOf(chunks, range.layers)
    return faults.length > 0 ? faults : [{ ref: range.layers.at(-1)!, error }]
  }

  async function faultsOf(chunks: RepositoryScope['chunks'], refs: readonly ChunkRef[]): Promise<Fault[]> {
    const faults: Fault[] = []
    for (const ref of refs) {
      const error = await archiveError(chunks.verify(ref, { level, signal }))
      if (error) faults.push({ ref, error })
    }
    return faults
  }
}

interface Fault {
  readonly ref: ChunkRef
  readonly error: HoldfastError
}

/** What the storage lost or altered; anything else is thrown. */
async function archiveError(work: Promise<void>): Promise<HoldfastError | null> {
  try {
    await work
    return null
  } catch (error) {
    if (!isHoldfastError(error) || !error.code.startsWith('E_ARCHIVE_')) throw error
    return error
  }
}
