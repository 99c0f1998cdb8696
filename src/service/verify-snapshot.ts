import type { ChunkRef, Manifest, RepositoryScope, VerifyLevel } from '../archive/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
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
    for (const ref of entity.ranges.flatMap(({ layers }) => layers)) {
      throwIfAborted(signal)
      const object = `${entity.bucket}:${ref.name}`
      if (seen.has(object)) continue
      seen.add(object)
      bytes += await verifyOne(chunks, ref, entity.descriptor.store, entity.descriptor.name)
    }
  }
  return { snapshotId: manifest.snapshotId, level, chunks: seen.size, bytes, damages }

  async function verifyOne(chunks: RepositoryScope['chunks'], ref: ChunkRef, store: string, entity: string): Promise<number> {
    try {
      await chunks.verify(ref, { level, signal })
      return ref.storedBytes + ref.index.storedBytes
    } catch (error) {
      if (!isHoldfastError(error) || !error.code.startsWith('E_ARCHIVE_')) throw error
      damages.push({ store, entity, object: ref.name, code: error.code, message: error.message })
      return 0
    }
  }
}
