import { HoldfastError } from '../kernel/errors.ts'
import type { Comparison, ComparisonSummary } from './comparison.ts'
import { type EntityTally, totalsOf } from './comparison-tally.ts'
import type { RecordDifference } from './record-difference.ts'
import type { SchemaDifference } from './schema-difference.ts'

/** What the summary is made of, filled in as the comparison goes. */
export interface ComparisonState extends Pick<ComparisonSummary, 'before' | 'after' | 'beforeAt'> {
  afterAt: string | null
  readonly schema: SchemaDifference[]
  readonly tallies: EntityTally[]
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
      const { before, after, beforeAt, afterAt, schema, tallies } = state
      const entities = tallies.map(({ entity }) => entity)
      return { complete, before, after, beforeAt, afterAt, schema: [...schema], entities, totals: totalsOf(entities) }
    },
    async finish() {
      if (!complete) for await (const _ of comparison);
      return comparison.summary
    },
  }
  return comparison
}
