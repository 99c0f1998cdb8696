import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { ChunkRef } from './chunk-ref.ts'
import type { ChunkStore } from './chunk-store.ts'
import type { Manifest } from './manifest.ts'
import type { RepositoryScope } from './repository.ts'

export interface CommitOptions extends AbortableOptions {
  /** Where manifest and session are. */
  readonly scope: RepositoryScope
  /** The chunks of a bucket; called with each `bucket` of the manifest's entities. */
  readonly chunks: (bucket: string) => ChunkStore
  /** Its `snapshotId` is the session's id. */
  readonly manifest: Manifest
  readonly attempt: number
  /** Asked when all chunks were found present: the journal number to claim for good. Looking for the chunks may take long; until then the journal shows that the attempt lives. */
  readonly next: () => Promise<number>
}

/**
 * The commit protocol: presence and size of every chunk by listing → the final journal number is claimed (`E_SESSION_FENCED` when another process
 * went on meanwhile) → the manifest is written create-only and read back. Only when it returns is there a snapshot; until then none is visible.
 */
export async function commitSnapshot({ scope, chunks, manifest, attempt, next, signal }: CommitOptions): Promise<void> {
  for (const [bucket, refs] of chunksByBucket(manifest)) await chunks(bucket).assertPresent(refs, { signal })
  throwIfAborted(signal)
  const n = await next()
  await scope.sessions.appendJournal(manifest.snapshotId, { n, attempt, type: 'final', at: new Date().toISOString() }, { signal })
  try {
    await scope.writeManifest(manifest, { signal })
  } catch (error) {
    if (!isHoldfastError(error, 'E_STORAGE_EXISTS')) throw error
    throw new HoldfastError('E_SESSION_FENCED', `session ${manifest.snapshotId} was committed by another process`, {
      cause: error,
      details: { sessionId: manifest.snapshotId },
    })
  }
}

function chunksByBucket(manifest: Manifest): Map<string, ChunkRef[]> {
  const buckets = new Map<string, ChunkRef[]>()
  for (const { bucket, ranges } of manifest.entities) {
    const refs = buckets.get(bucket) ?? []
    buckets.set(bucket, refs)
    for (const range of ranges) refs.push(...range.layers)
  }
  return buckets
}
