import { uuidv7 } from '../kernel/ids.ts'
import { ProgressTracker } from '../progress/index.ts'
import { checkRequest } from './check-request.ts'
import { ProblemLedger } from './problem-ledger.ts'
import type { RestoreDependencies } from './restore-context.ts'
import { createRestoreMeters, RESTORE_PHASES } from './restore-meters.ts'
import type { RestoreRequest } from './restore-request.ts'
import { runRestore } from './restore-run.ts'
import { createRestoreSession, type RestoreSession } from './restore-session.ts'
import { selectEntities } from './select-entities.ts'

/**
 * Checks the request and starts the work.
 * @throws `E_CONFIG`, `E_ENTITY_UNKNOWN`, `E_STORE_UNKNOWN`, `E_DIALECT`; whatever is found out later ends the session.
 */
export function startRestore(request: RestoreRequest, dependencies: RestoreDependencies): RestoreSession {
  const { manifest, clock, logger } = dependencies
  const settings = checkRequest(request)
  const selections = selectEntities(manifest, request, dependencies.stores)
  const id = uuidv7(clock.now())
  const tracker = new ProgressTracker({ operation: 'restore', id, phases: RESTORE_PHASES, clock })
  return createRestoreSession({
    id,
    snapshotId: manifest.snapshotId,
    planId: manifest.plan.id,
    dryRun: settings.dryRun,
    tracker,
    logger,
    signal: dependencies.signal,
    run: (signal, touch) =>
      runRestore(selections, {
        ...dependencies,
        ...settings,
        id,
        signal,
        meters: createRestoreMeters(tracker, selections, touch),
        problems: new ProblemLedger(),
      }),
  })
}
