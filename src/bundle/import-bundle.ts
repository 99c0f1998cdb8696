import type { Manifest } from '../archive/index.ts'
import { NOTHING_ERASED } from '../erasure/index.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { OpenedBundle } from './open-bundle.ts'
import { sameContent } from './same-content.ts'
import { transferSnapshot, type TransferOptions, type TransferTarget } from './transfer-snapshot.ts'

export interface ImportedSnapshot {
  readonly manifest: Manifest
  /** `present`: it was here already, and nothing was written. */
  readonly outcome: 'imported' | 'present'
}

/** Puts the snapshot of a bundle into a repository. @throws `E_STORAGE_EXISTS` when another snapshot of that id is there, or one that was deleted; what `transferSnapshot` throws */
export async function importSnapshot({ manifest, scope }: OpenedBundle, target: TransferTarget, options: TransferOptions): Promise<ImportedSnapshot> {
  const there = await snapshotThere(target, manifest.snapshotId, options)
  if (there) {
    if (sameContent(there, manifest)) return { manifest: there, outcome: 'present' }
    throw taken(target, manifest.snapshotId)
  }
  return { manifest: await transferSnapshot({ manifest, chunks: async () => scope.chunks, erased: NOTHING_ERASED }, target, options), outcome: 'imported' }
}

/** @throws `E_STORAGE_EXISTS` when a snapshot of that id is there, or one that was deleted */
export async function assertFree(target: TransferTarget, snapshotId: string, options: AbortableOptions): Promise<void> {
  if (await snapshotThere(target, snapshotId, options)) throw taken(target, snapshotId)
}

function taken({ bucket }: TransferTarget, snapshotId: string): HoldfastError {
  return new HoldfastError('E_STORAGE_EXISTS', `a snapshot ${snapshotId} with other records, or of another origin, is in the bucket "${bucket}" already`, {
    hint: 'Nothing is written over. What is to come in may lack records that were erased before the export: import it into another bucket.',
    details: { snapshotId },
  })
}

async function snapshotThere({ scope, bucket }: TransferTarget, snapshotId: string, { signal }: AbortableOptions): Promise<Manifest | null> {
  if (await scope.isHidden(snapshotId, { signal }))
    throw new HoldfastError('E_STORAGE_EXISTS', `the snapshot ${snapshotId} was deleted from the bucket "${bucket}", and a prune has not taken it away yet`, {
      hint: 'Import it into another bucket, or again when a prune has given its space back.',
      details: { snapshotId },
    })
  try {
    return await scope.readManifest(snapshotId, { signal })
  } catch (error) {
    if (isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) return null
    throw error
  }
}
