import type { ChunkRef, ChunkStore } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import type { EntityCopy } from './entity-copy.ts'

/**
 * Forgets journaled ranges whose chunks are not in the storage, or not in their size, or condemned by a prune: they are read again, instead of failing the commit of this and every
 * later attempt. One listing a bucket when all is well.
 */
export async function dropMissing(copies: readonly EntityCopy[], options: AbortableOptions): Promise<number> {
  const byStore = new Map<ChunkStore, Map<string, ChunkRef>>()
  for (const copy of copies) {
    const refs = byStore.get(copy.chunks) ?? new Map<string, ChunkRef>()
    byStore.set(copy.chunks, refs)
    for (const { known } of copy.image.pieces()) for (const ref of known?.entry.layers ?? []) refs.set(ref.name, ref)
  }
  let dropped = 0
  for (const [chunks, refs] of byStore) {
    const missing = refs.size === 0 ? new Set<string>() : await missingOf(chunks, [...refs.values()], options)
    dropped += missing.size
    if (missing.size === 0) continue
    for (const copy of copies) {
      if (copy.chunks === chunks) copy.image.retain((known) => known.entry.layers.every((ref) => !missing.has(ref.name)))
    }
  }
  return dropped
}

async function missingOf(chunks: ChunkStore, refs: readonly ChunkRef[], options: AbortableOptions): Promise<ReadonlySet<string>> {
  const missing = new Set<string>()
  if (await holds(() => chunks.assertPresent(refs, options))) return missing
  for (const ref of refs) {
    if (!(await holds(() => chunks.verify(ref, { level: 'presence', signal: options.signal })))) missing.add(ref.name)
  }
  return missing
}

async function holds(check: () => Promise<void>): Promise<boolean> {
  try {
    await check()
    return true
  } catch (error) {
    if ((['E_ARCHIVE_MISSING', 'E_ARCHIVE_CORRUPT', 'E_CONDEMNED'] as const).some((code) => isHoldfastError(error, code))) return false
    throw error
  }
}
