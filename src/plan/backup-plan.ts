import type { Hooks } from '../contracts/hooks.ts'
import type { PolicyDeclaration } from './backup-policy.ts'
import type { PlanScope } from './plan-scope.ts'
import type { PlanEntity, PlanExclusion } from './entity-options.ts'

/** A plan as the application declared it: frozen, not yet checked against any store. `definePlan` makes it. */
export interface BackupPlan {
  /** Unique in the application: lower-case letters, digits and `-`, at most 63. Part of no path, but of every session and snapshot. */
  readonly id: string
  /** One line for people: what the plan saves and for whom. */
  readonly description: string
  readonly entities: readonly PlanEntity[]
  /** Also takes the classes marked for it by `@BackupEntity`. */
  readonly decorated: boolean
  readonly exclude: readonly PlanExclusion[]
  /** Bucket of manifest and sessions, and of entities that name none; null for the application's default. */
  readonly bucket: string | null
  /** Backs up one tenant a run. Absent: whole tables, of all tenants. */
  readonly scope?: PlanScope
  /** Only what was declared; defaults are filled in when the plan is resolved. */
  readonly policy: PolicyDeclaration
  /** What the application does around runs of this plan. */
  readonly hooks?: Hooks
}
