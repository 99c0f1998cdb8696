import type { Hooks } from '../contracts/hooks.ts'
import type { HookSet } from '../hooks/index.ts'
import type { IBackupPlanRegistry } from '../plan/index.ts'

/** The hooks of the application and of its plans. */
export interface HookSets {
  /** Those of a run of the plan, the application's first. A plan that is declared no longer has none. */
  of(planId: string): readonly HookSet[]
}

export function createHookSets(application: Hooks | undefined, plans: IBackupPlanRegistry): HookSets {
  return {
    of(planId) {
      const own = plans.has(planId) ? plans.resolved(planId).hooks : undefined
      return [...(application ? [{ of: 'application' as const, hooks: application }] : []), ...(own ? [{ of: 'plan' as const, hooks: own }] : [])]
    },
  }
}
