import { type ChunkStore, findReferring, type RangeEntry, ReferenceSearch } from '../archive/index.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { CompiledCondition } from './where.ts'

/** False when manifest or key indexes prove that none of the records of a range refers to what the conditions name. */
export async function mayMatch(
  chunks: ChunkStore,
  range: RangeEntry,
  { references }: EntityDescriptor,
  conditions: readonly CompiledCondition[],
  options: AbortableOptions,
): Promise<boolean> {
  const referring = conditions.flatMap(({ field, tokens }) =>
    tokens !== null && references.some(({ fields }) => fields.includes(field)) ? [{ field, values: tokens }] : [],
  )
  return referring.length === 0 || (await findReferring(chunks, range, new ReferenceSearch(referring), options)) !== null
}
