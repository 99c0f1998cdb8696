import type { HookRuns } from '../hooks/index.ts'
import { uuidv7 } from '../kernel/ids.ts'
import { ProgressTracker } from '../progress/index.ts'
import { RESTORE_PHASES } from './restore-meters.ts'
import { restoreHooks } from './restore-hooks.ts'
import type { RestoreResult } from './restore-result.ts'
import { createRestoreSession, type RestoreSession } from './restore-session.ts'
import { type UndoDependencies, undoRestore } from './undo-restore.ts'
import type { UndoRequest } from './undo-request.ts'

/** Takes a restore back, as a session. `keep` stores the result before the session ends. */
export function startUndo(
  undone: RestoreResult,
  request: UndoRequest,
  { hooks: called, ...dependencies }: UndoDependencies & { readonly hooks: HookRuns },
  keep: (result: RestoreResult) => Promise<RestoreResult>,
): RestoreSession {
  const { clock, logger, signal: outer } = dependencies
  const id = uuidv7(clock.now())
  const tracker = new ProgressTracker({ operation: 'restore', id, phases: RESTORE_PHASES, clock })
  const { snapshotId, planId } = undone
  return createRestoreSession({
    id,
    snapshotId,
    planId,
    dryRun: false,
    scope: dependencies.tenant,
    tracker,
    logger,
    signal: outer,
    async run(signal, touch) {
      const entered = (phase: 'staging' | 'merging') => {
        tracker.enter(phase)
        touch()
      }
      const run = { planId, snapshotId, scope: dependencies.tenant, restoreId: id, applies: null, undoes: undone.restoreId, by: request.by ?? null }
      const hooks = restoreHooks(called, run, signal)
      let result: RestoreResult
      try {
        await hooks.before()
        result = await undoRestore(undone, request, { ...dependencies, signal, id, entered })
      } catch (error) {
        await hooks.failed(error)
        throw error
      }
      return keep(await hooks.done(result))
    },
  })
}
