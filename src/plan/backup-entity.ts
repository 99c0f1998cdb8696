import { rememberMark } from './class-facts.ts'
import { decoratorTarget } from './decorator-target.ts'
import type { EntityOptions, PathOf, PlanEntity } from './entity-options.ts'
import type { EntityReference } from './entity-reference.ts'

export interface BackupEntityOptions extends EntityOptions {
  /** Id or ids of the plans that collect it by `decorated()`. Default: every plan that does. */
  readonly plan?: string | readonly string[]
}

/** Works with `experimentalDecorators` and as an ES decorator. */
export type ClassMarker = (target: unknown, context?: ClassDecoratorContext) => void

interface BackupEntityFactory {
  /**
   * Marks a class for the plans that collect decorated classes. The other options hold wherever the class is named. A subclass has
   * the mark of its nearest marked ancestor. Throws `E_PLAN_INVALID` when the class is marked already.
   */
  (options?: BackupEntityOptions): ClassMarker
  /** An entity with options, for the list of `definePlan`. Paths are checked against the entity's type. */
  for<R extends EntityReference>(entity: R, options?: EntityOptions<PathOf<R>>): PlanEntity
}

/** `@BackupEntity({ plan: 'shop' })` on a class, or `BackupEntity.for(Order, { ignore: ['searchText'] })` in a plan. Both give the same plan. */
export const BackupEntity: BackupEntityFactory = Object.assign(
  (options: BackupEntityOptions = {}): ClassMarker =>
    (...args: unknown[]) => {
      const { owner, label } = decoratorTarget('@BackupEntity', 'class', args)
      const { plan, store, bucket, ignore, sensitive, tenant, cursor } = options
      rememberMark(owner, label, {
        kind: 'entity',
        plans: plan === undefined ? null : typeof plan === 'string' ? [plan] : [...plan],
        store: store ?? null,
        bucket: bucket ?? null,
        ignore: [...(ignore ?? [])],
        sensitive: [...(sensitive ?? [])],
        tenant: tenant ?? null,
        cursor: cursor ?? null,
      })
    },
  { for: (entity: EntityReference, options: EntityOptions = {}): PlanEntity => ({ entity, ...options }) },
)
