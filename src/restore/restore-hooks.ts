import type { RestoreHookRun } from '../contracts/hooks.ts'
import type { HookRuns } from '../hooks/index.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import type { RestoreResult } from './restore-result.ts'

/** The hooks around one restore. What fails after `done` is no news to them: the rows are written. */
export interface RestoreHooks {
  /** @throws `E_HOOK` */
  before(): Promise<void>
  /** What they say of themselves goes into the result. */
  done(result: RestoreResult): Promise<RestoreResult>
  failed(error: unknown): Promise<void>
}

export function restoreHooks(hooks: HookRuns, run: Omit<RestoreHookRun, 'signal'>, signal: AbortSignal): RestoreHooks {
  let told = false
  return {
    before: () => hooks.before('beforeRestore', run, { signal }),
    async done(result) {
      told = true
      const entities = result.entities.map(({ store, entity, create, update, delete: deleted }) => ({ store, entity, create, update, delete: deleted }))
      const status = result.status === 'PartiallyRestored' ? 'PartiallyRestored' : 'completed'
      const warnings = await hooks.after('afterRestore', { ...run, status, entities, error: null })
      return { ...result, hooks: hooks.records, warnings: [...result.warnings, ...warnings] }
    },
    async failed(error) {
      if (told) return
      const status = signal.aborted && isHoldfastError(error, 'E_ABORTED') ? 'cancelled' : 'failed'
      await hooks.after('afterRestore', { ...run, status, entities: [], error })
    },
  }
}
