import type { ChunkStore, RangeEntry } from '../archive/index.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { CompiledCondition } from './where.ts'

/** Below this a chunk is read at once: asking its index first would save nothing. */
const MIN_ROWS = 200

/** False when the key indexes of a range prove that none of its records refers to what the conditions name. */
export async function mayMatch(
  chunks: ChunkStore,
  { layers, rows }: RangeEntry,
  { references }: EntityDescriptor,
  conditions: readonly CompiledCondition[],
  options: AbortableOptions,
): Promise<boolean> {
  const referring = conditions.filter(({ field, tokens }) => tokens !== null && references.some(({ fields }) => fields.includes(field)))
  if (referring.length === 0 || rows < MIN_ROWS) return true
  const indexes = await Promise.all(layers.map((layer) => chunks.readIndex(layer, options)))
  return referring.every(({ field, tokens }) => indexes.some((index) => tokens!.some((token) => index.mayReference(field, token))))
}
