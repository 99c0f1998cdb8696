import type { EntityKind } from '../contracts/entity-descriptor.ts'
import type { PlanProblem } from './plan-problem.ts'
import type { ResolvedEntity, ResolvedPlan } from './resolved-plan.ts'

/** `named` in the plan; `decorated` for it; or come along as the `junction` or `closure` table of included entities. */
export type InclusionCause = 'named' | 'decorated' | Exclude<EntityKind, 'entity'>

export interface IgnoredField {
  readonly path: string
  /** As said by `@BackupIgnore({ reason })`; null when it was not. */
  readonly reason: string | null
}

/** How an entity came into a plan; for inventory and boot report, not for the engines. */
export interface PlanInclusion extends ResolvedEntity {
  readonly because: InclusionCause
  /** The entities that a junction or closure table came along with. */
  readonly owners: readonly string[]
  readonly ignored: readonly IgnoredField[]
}

/** An entity that a plan leaves out on purpose. */
export interface PlanOmission {
  readonly store: string
  readonly entity: string
  readonly reason: string
}

/** A plan with nothing wrong, and what is worth knowing about how it was resolved. */
export interface PlanResolution {
  readonly plan: ResolvedPlan
  readonly inclusions: readonly PlanInclusion[]
  readonly omissions: readonly PlanOmission[]
  /** Not refused, but to be looked at: rows that may lack their parents on a restore, links that are left out. */
  readonly warnings: readonly PlanProblem[]
}
