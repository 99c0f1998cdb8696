import type { Hooks } from '../contracts/hooks.ts'
import type { BackupPlan } from './backup-plan.ts'
import type { PolicyDeclaration } from './backup-policy.ts'
import { isDecorated, type Decorated } from './decorated.ts'
import type { PlanEntity, PlanExclusion } from './entity-options.ts'
import type { EntityReference } from './entity-reference.ts'
import type { PlanScope } from './plan-scope.ts'
import { frozenCopy } from './frozen-copy.ts'

export interface PlanDeclaration {
  /** `[a-z0-9][a-z0-9-]{0,62}`. */
  readonly id: string
  readonly description: string
  /** Classes, schemas, names, `BackupEntity.for(…)` and `decorated()`. Junction tables between two of them and closure tables of them come along. */
  readonly entities: Decorated | readonly (EntityReference | PlanEntity | Decorated)[]
  /** Left out with a reason, by `BackupIgnore.for(…)`: also what would come along or is decorated. */
  readonly exclude?: readonly PlanExclusion[]
  /** Bucket of manifest and sessions, and of entities that name none. Default: the only one configured, or `default`. */
  readonly bucket?: string
  /** Backs up one tenant a run, into a sub-repository of its own. Default: whole tables, whatever tenant properties there are. */
  readonly scope?: PlanScope
  /** Every member has a default. */
  readonly policy?: PolicyDeclaration
  /** What the application does around runs of this plan, beside the hooks that `createHoldfast` was given. */
  readonly hooks?: Hooks
}

/**
 * Declares a plan. Throws nothing: all that is wrong is reported at once when the plan is resolved against the stores (at boot),
 * with path, value and remedy. So unknown members are kept as they are, to be reported there.
 */
export function definePlan(declaration: PlanDeclaration): BackupPlan {
  const { entities, exclude, bucket, policy, ...rest } = declaration
  const listed = isDecorated(entities) ? [entities] : listOf(entities)
  return frozenCopy({
    ...rest,
    entities: listed
      .filter((entry): entry is EntityReference | PlanEntity => !isDecorated(entry))
      .map((entry) => (isPlanEntity(entry) ? entry : { entity: entry })),
    decorated: listed.some(isDecorated),
    exclude: listOf(exclude),
    bucket: bucket ?? null,
    policy: policy ?? {},
  })
}

/** A declaration in plain JavaScript may hold anything. What is no list is taken for its only member: nothing that was said gets lost without a word. */
function listOf<T>(value: readonly T[] | undefined): readonly T[] {
  if (Array.isArray(value)) return value
  return value === undefined ? [] : [value as unknown as T]
}

/** Schemas of neither ORM have a member `entity`; classes are functions. */
function isPlanEntity(entry: EntityReference | PlanEntity): entry is PlanEntity {
  return typeof entry === 'object' && entry !== null && Object.hasOwn(entry, 'entity')
}
