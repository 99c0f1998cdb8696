import type { Hooks } from '../contracts/hooks.ts'
import type { RowOwner } from '../contracts/row-owner.ts'
import type { BackupPolicy } from './backup-policy.ts'
import type { ResolvedScope } from './plan-scope.ts'

/** One entity of a plan, tied to the store that maps it. */
export interface ResolvedEntity {
  /** Name of the entity store. */
  readonly store: string
  /** Name of the entity in that store's mapping. Unique together with `store`. */
  readonly entity: string
  /** Name of the storage bucket its chunks go to. */
  readonly bucket: string
  /** Property paths left out of the records. */
  readonly ignore: readonly string[]
  /** Property paths whose values never appear in samples, diagnostics or logs. */
  readonly sensitive: readonly string[]
  /** Property path that says which tenant a row belongs to, where declared. */
  readonly tenant: string | null
  /** Property path of the column by which changes are told, where declared. */
  readonly cursor?: string
  /** In a plan with a scope by column: how its rows lead to their tenant. */
  readonly owner?: RowOwner
  /** In a plan with a scope by column: its rows are of all tenants. */
  readonly shared?: true
}

/** A plan checked against the entity stores: what the engines work from. Plain data, frozen. */
export interface ResolvedPlan {
  readonly id: string
  readonly description: string
  /** Bucket of manifest, sessions and diagnostics. */
  readonly bucket: string
  readonly entities: readonly ResolvedEntity[]
  readonly policy: BackupPolicy
  /** Absent: the plan knows no tenants. */
  readonly scope?: ResolvedScope
  readonly hooks?: Hooks
  /** SHA-256 (hex) of the canonical JSON of all members that decide what is stored and where: a session resumes only under the plan it was started with. */
  readonly digest: string
}
