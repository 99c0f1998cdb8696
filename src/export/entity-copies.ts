import { type ChunkStore, rangeSchema, type SessionRecord } from '../archive/index.ts'
import type { ResolvedPlan } from '../plan/resolved-plan.ts'
import type { ProgressTracker } from '../progress/index.ts'
import { EntityCopy } from './entity-copy.ts'
import type { OpenViews } from './open-views.ts'
import type { ReplayedJournal } from './replay-journal.ts'
import type { SessionJournal } from './session-journal.ts'
import { storedRange } from './stored-range.ts'

export interface EntityCopiesOptions {
  readonly plan: ResolvedPlan
  readonly session: SessionRecord
  readonly views: OpenViews
  readonly known: ReplayedJournal
  readonly chunksOf: (bucket: string) => ChunkStore
  readonly journal: SessionJournal
  readonly tracker: ProgressTracker
  /** The copies under views that were lost: what they hold is known, and settled no longer. */
  readonly before: readonly EntityCopy[]
}

export function entityCopies({ plan, session, views, known, chunksOf, journal, tracker, before }: EntityCopiesOptions): readonly EntityCopy[] {
  return plan.entities.map((resolved, at) => {
    const view = views.byStore.get(resolved.store)!
    const descriptor = view.entities.find((candidate) => candidate.name === resolved.entity)!
    const schema = rangeSchema(descriptor, view.keyOrder(resolved.entity))
    const last = before[at]
    if (last?.schema === schema) last.image.revise((range) => storedRange(range.entry, range.evidence, false))
    return new EntityCopy({
      resolved,
      view,
      descriptor,
      schema,
      exact: isExactRun(session, plan.policy.reconcileEvery),
      image: last?.schema === schema ? last.image : known.image(resolved.store, resolved.entity, schema),
      chunks: chunksOf(resolved.bucket),
      journal,
      meter: last?.meter ?? tracker.entity(resolved.store, resolved.entity),
    })
  })
}

/** A full reads everything; of the runs since, every so many-th takes no cursor's word for anything. */
function isExactRun({ lineage }: SessionRecord, every: number | null): boolean {
  return every === null || lineage === undefined || lineage.distance % every === 0
}
