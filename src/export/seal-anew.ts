import type { ChunkRef, ChunkStore } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { mapOrdered } from '../kernel/map-ordered.ts'
import type { EntityCopy } from './entity-copy.ts'
import { storedRange, type StoredRange } from './stored-range.ts'

export interface SealAnewOptions extends AbortableOptions {
  /** Chunks in hand at once. */
  readonly concurrency: number
  /** Asked before each range that there is something to do for. */
  readonly pausing: () => boolean
  readonly onStored: (bytes: number) => void
}

/**
 * What the snapshot is to refer to and is sealed with too old a key is stored once more, under the key of today; nothing else of it changes. Databases are not needed for it, so their views
 * are not held meanwhile. False when the run was paused before all was done.
 */
export async function sealAnew(copies: readonly EntityCopy[], { concurrency, pausing, onStored, signal }: SealAnewOptions): Promise<boolean> {
  const sealed = new Map<ChunkStore, Map<string, Promise<ChunkRef>>>()
  const seal = (chunks: ChunkStore, ref: ChunkRef): Promise<ChunkRef> => {
    const known = sealed.get(chunks) ?? new Map<string, Promise<ChunkRef>>()
    sealed.set(chunks, known)
    const sealing =
      known.get(ref.name) ??
      chunks.sealAnew(ref, { signal }).then(({ ref: copy, written }) => {
        if (written) onStored(copy.storedBytes + copy.index.storedBytes)
        return copy
      })
    known.set(ref.name, sealing)
    return sealing
  }
  let stopped = false
  for (const copy of copies) {
    const pieces = [...copy.image.pieces()].flatMap(({ known }) => known ?? [])
    const renewed = mapOrdered(pieces, concurrency, async (known): Promise<StoredRange> => {
      if (pausing() && (await copy.chunks.isOutworn(known.entry.layers, { signal }))) stopped = true
      if (stopped) return known
      const layers: ChunkRef[] = []
      for (const ref of known.entry.layers) layers.push(await seal(copy.chunks, ref))
      const same = layers.every((layer, n) => layer === known.entry.layers[n])
      return same ? known : storedRange({ ...known.entry, layers }, known.evidence, known.current)
    })
    let at = 0
    for await (const known of renewed) if (known !== pieces[at++]) copy.image.know(known.range, known)
    if (stopped) return false
  }
  return true
}
