import type { Logger } from '../contracts/logger.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { ProgressFeed, type ProgressHandler, type ProgressSnapshot, type ProgressTracker } from '../progress/index.ts'
import type { RestoreResult } from './restore-result.ts'

/** `partial`: committed, without the records that failed, which may. */
export type RestoreState = 'running' | 'done' | 'partial' | 'failed' | 'cancelled'

/** One restore. It runs from the moment it is made; a restore is not paused, because its merge is one transaction. */
export interface RestoreSession {
  readonly id: string
  readonly snapshotId: string
  readonly planId: string
  readonly dryRun: boolean
  /** The tenant whose rows are restored; null where there are no tenants. */
  readonly scope: string | null
  readonly state: RestoreState
  /** Where it stands now. */
  readonly current: ProgressSnapshot
  /** Snapshots as it moves, at most ten a second, the last one at its end. A slow reader gets the latest. */
  progress(): AsyncIterableIterator<ProgressSnapshot>
  /** The returned function stops the calls. */
  onProgress(handler: ProgressHandler): () => void
  /** Rolls back what is not committed and resolves when the work has stopped. After the commit it changes nothing. */
  cancel(): Promise<void>
  /** The result; rejects with the error that ended it, `E_ABORTED` when it was cancelled. */
  result(): Promise<RestoreResult>
}

export interface RestoreSessionOptions {
  readonly id: string
  readonly snapshotId: string
  readonly planId: string
  readonly dryRun: boolean
  readonly scope: string | null
  readonly tracker: ProgressTracker
  readonly logger: Logger
  readonly signal: AbortSignal | undefined
  /** Does the work; `touch` says that the tracker moved. */
  readonly run: (signal: AbortSignal, touch: () => void) => Promise<RestoreResult>
}

/** Nothing that is kept with the session refers to `run`: with it the manifest would stay, as long as the session can be asked for. */
export function createRestoreSession({ id, snapshotId, planId, dryRun, scope, tracker, logger, signal: outer, run }: RestoreSessionOptions): RestoreSession {
  const abort = new AbortController()
  const signal = outer ? AbortSignal.any([outer, abort.signal]) : abort.signal
  const feed = new ProgressFeed({
    read: () => tracker.snapshot(),
    onHandlerError: (error) => logger.warn({ error: String(error), restoreId: id }, 'a progress handler failed'),
  })
  let state: RestoreState = 'running'

  const outcome = run(signal, () => feed.touch()).then(
    (result) => {
      end(result.status === 'PartiallyRestored' ? 'partial' : 'done')
      return result
    },
    (error: unknown) => {
      end(signal.aborted && isHoldfastError(error, 'E_ABORTED') ? 'cancelled' : 'failed')
      throw error
    },
  )
  outcome.catch(() => {}) // `result()` hands the error to whoever asks; nobody has to

  function end(how: Exclude<RestoreState, 'running'>): void {
    state = how
    tracker.enter(how)
    feed.end()
  }

  return {
    id,
    snapshotId,
    planId,
    dryRun,
    scope,
    get state() {
      return state
    },
    get current() {
      return tracker.snapshot()
    },
    progress: () => feed.iterate(),
    onProgress: (handler) => feed.subscribe(handler),
    async cancel() {
      abort.abort(new HoldfastError('E_ABORTED', 'the restore was cancelled', { hint: 'Nothing was committed; start it again.' }))
      await outcome.catch(() => {})
    },
    result: () => outcome,
  }
}
