import type { AbortableOptions } from '../kernel/abort.ts'
import type { ChunkStore, VerifyLevel } from './chunk-store.ts'
import type { LayeredRange } from './range-layers.ts'
import { readRange } from './read-range.ts'

/**
 * Verifies every layer of a range. At level `plain` also that the layers fit together and merge into the records that the range declares. Throws for the first
 * fault: `E_ARCHIVE_MISSING`, `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_FORMAT`.
 */
export async function verifyRange(chunks: ChunkStore, range: LayeredRange, options: AbortableOptions & { readonly level: VerifyLevel }): Promise<void> {
  if (options.level === 'plain' && range.layers.length > 1) for await (const _ of readRange(chunks, range, options));
  else for (const ref of range.layers) await chunks.verify(ref, options)
}
