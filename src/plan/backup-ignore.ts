import { rememberMark, rememberProperty } from './class-facts.ts'
import type { ClassMarker } from './backup-entity.ts'
import { decoratorTarget } from './decorator-target.ts'
import type { PlanExclusion } from './entity-options.ts'
import type { EntityReference } from './entity-reference.ts'
import { PlanProblem, planInvalid } from './plan-problem.ts'
import type { PropertyMarker } from './property-marker.ts'

export interface IgnoreOptions {
  /** Why it need not be backed up: `rebuilt nightly`. Shown by the inventory and the boot report. */
  readonly reason: string
}

interface BackupIgnoreFactory {
  /** On a property: leaves it out of the records of every plan. On a class: excludes the entity from every plan. */
  (options: IgnoreOptions): ClassMarker & PropertyMarker
  /** On a property; a class is only excluded with a reason. */
  (): PropertyMarker
  /** An exclusion for the `exclude` list of `definePlan`: for entities without a class of their own, or for one plan only. */
  for(entity: EntityReference, options: IgnoreOptions & { readonly store?: string }): PlanExclusion
}

/** `@BackupIgnore({ reason })` on a class or property, or `BackupIgnore.for(SearchIndex, { reason })` in a plan. */
export const BackupIgnore: BackupIgnoreFactory = Object.assign(
  (options?: IgnoreOptions): ClassMarker & PropertyMarker =>
    (...args: unknown[]) => {
      const { owner, label, property } = decoratorTarget('@BackupIgnore', 'both', args)
      const reason = options?.reason ?? null
      if (property !== null) return rememberProperty(owner, { decorator: '@BackupIgnore', property, reason })
      if (reason === null || reason.trim() === '') {
        throw planInvalid('a decorator', [
          new PlanProblem(label, '@BackupIgnore', 'an entity is excluded without a reason', "Say why: @BackupIgnore({ reason: '…' })"),
        ])
      }
      rememberMark(owner, label, { kind: 'ignore', reason })
    },
  { for: (entity: EntityReference, options: IgnoreOptions & { readonly store?: string }): PlanExclusion => ({ entity, ...options }) },
)
