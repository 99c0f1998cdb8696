import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../contracts/logger.ts'
import { uuidv7 } from '../kernel/ids.ts'
import { ProgressTracker } from '../progress/index.ts'
import { totalsOf } from './build-result.ts'
import { RESTORE_PHASES } from './restore-meters.ts'
import type { RestoreRequest } from './restore-request.ts'
import type { RestoreResult } from './restore-result.ts'
import { createRestoreSession, type RestoreSession } from './restore-session.ts'

/** The replay of a restore whose failed records are all in by now: done, with nothing in it. It is not kept. */
export function nothingToReplay(
  replayed: Pick<RestoreResult, 'restoreId' | 'snapshotId' | 'planId' | 'scope' | 'targetScope'>,
  { policy = 'fail', by = null }: Pick<RestoreRequest, 'policy'> & { readonly by?: string | null },
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): RestoreSession {
  const { restoreId, snapshotId, planId, scope, targetScope } = replayed
  const at = clock.now()
  const id = uuidv7(at)
  const result: RestoreResult = {
    restoreId: id,
    snapshotId,
    planId,
    scope,
    targetScope,
    status: 'completed',
    policy,
    by,
    name: null,
    applies: null,
    undoes: null,
    replays: restoreId,
    undoable: false,
    entities: [],
    totals: totalsOf([]),
    schema: [],
    masked: [],
    erased: [],
    problems: 0,
    silenced: [],
    hooks: [],
    warnings: ['nothing is left to replay: all records that failed are in'],
    startedAt: new Date(at).toISOString(),
    durationMs: 0,
  }
  const tracker = new ProgressTracker({ operation: 'restore', id, phases: RESTORE_PHASES, clock })
  return createRestoreSession({ id, snapshotId, planId, dryRun: false, scope: targetScope, tracker, logger, signal: undefined, run: async () => result })
}
