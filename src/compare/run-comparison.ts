import type { ManifestEntity } from '../archive/index.ts'
import type { ErasedCount } from '../erasure/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { Comparison, ComparisonSummary } from './comparison.ts'
import { idOf, type OpenSnapshot } from './open-snapshot.ts'
import { type EntityTally, totalsOf } from './comparison-tally.ts'
import type { RecordDifference } from './record-difference.ts'
import type { SchemaDifference } from './schema-difference.ts'

/** What the summary is made of, filled in as the comparison goes. */
export interface ComparisonState extends Pick<ComparisonSummary, 'before' | 'after' | 'beforeAt'> {
  afterAt: string | null
  readonly schema: SchemaDifference[]
  readonly tallies: EntityTally[]
  readonly erased: ErasedCount[]
}

export function runComparison(state: ComparisonState, work: () => AsyncIterable<RecordDifference>): Comparison {
  let begun = false
  let complete = false

  async function* differences(): AsyncGenerator<RecordDifference, void, undefined> {
    if (begun) throw new HoldfastError('E_CONFIG', 'the differences were iterated already', { hint: 'Compare again; a comparison is read once.' })
    begun = true
    yield* work()
    complete = true
  }

  const comparison: Comparison = {
    [Symbol.asyncIterator]: differences,
    get summary() {
      const { before, after, beforeAt, afterAt, schema, tallies, erased } = state
      const entities = tallies.map(({ entity }) => entity)
      return { complete, before, after, beforeAt, afterAt, schema: [...schema], entities, erased: [...erased], totals: totalsOf(entities) }
    },
    async finish() {
      if (!complete) for await (const _ of comparison);
      return comparison.summary
    },
  }
  return comparison
}

/** What was erased, of the entities that are compared: the more of both sides. */
export async function noteErased(
  { erased }: ComparisonState,
  snapshots: readonly OpenSnapshot[],
  entities: readonly ManifestEntity[],
  options: AbortableOptions,
): Promise<void> {
  const most = new Map<string, ErasedCount>()
  for (const snapshot of snapshots) {
    for (const entity of entities) {
      const { store, name } = entity.descriptor
      const count = (await snapshot.erased?.(options))?.counts.find((one) => one.store === store && one.entity === name)
      if (count && count.records > (most.get(idOf(entity))?.records ?? 0)) most.set(idOf(entity), count)
    }
  }
  erased.push(...most.values())
}
