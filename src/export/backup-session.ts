import type { Manifest } from '../archive/index.ts'
import { onAbort } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { BACKUP_PHASES, type ProgressEnd, ProgressFeed, type ProgressHandler, type ProgressSnapshot, ProgressTracker } from '../progress/index.ts'
import type { AttemptOutcome, BackupAttempt } from './backup-attempt.ts'
import { backupResult, type BackupResult } from './backup-result.ts'
import { plainBytesOf } from './stored-range.ts'

export type BackupSessionState = 'running' | 'pausing' | 'cancelling' | Exclude<ProgressEnd, 'partial'>

/** One backup as this process runs it. It works from the moment it is there, whether anybody watches or not. */
export interface BackupSession {
  /** Also the id of the snapshot that it commits. */
  readonly id: string
  readonly planId: string
  /** The tenant that is backed up; null where there are no tenants. */
  readonly scope: string | null
  readonly state: BackupSessionState
  /** Resumes the session, here or in any process with the same stores and storage. Valid from the start, and after a crash. Holds no secrets and no records. */
  readonly token: string
  /** Where it stands now. */
  readonly current: ProgressSnapshot
  /** Progress as it moves, at most ten times a second, the last one at the end. A slow reader gets the latest. */
  progress(): AsyncIterableIterator<ProgressSnapshot>
  /** The returned function stops the calls. */
  onProgress(handler: ProgressHandler): () => void
  /**
   * Stops at the next batch boundaries, keeps what was read, closes the views and gives the token. When the session completes before it can be paused, the token
   * leads to its result. Rejects with the error when the session failed, with `E_SESSION_CLOSED` when it was cancelled.
   */
  pause(): Promise<string>
  /**
   * Stops all work and closes the session for good: no snapshot becomes visible and the token is void. Resolves when nothing runs any more. Chunks that were stored
   * stay until a prune. Also closes a session that is paused or failed. Rejects with `E_SESSION_CLOSED` when the snapshot is committed already, and with the
   * storage's error when the session stopped but could not be marked as cancelled.
   */
  cancel(): Promise<void>
  /**
   * The committed snapshot. Rejects with `E_SESSION_PAUSED` when the session was paused, `E_SESSION_CLOSED` when it was cancelled, `E_ABORTED` when its signal
   * was aborted, else with the error that ended it. A failed session can be resumed by its token.
   */
  result(): Promise<BackupResult>
}

export interface BackupSessionOptions {
  readonly id: string
  readonly planId: string
  readonly scope: string | null
  readonly token: string
  readonly attempt: BackupAttempt
  readonly signal: AbortSignal | undefined
}

export function createBackupSession({ id, planId, scope, token, attempt, signal }: BackupSessionOptions): BackupSession {
  let state: BackupSessionState = 'running'
  let ended: AttemptOutcome | null = null

  const stopListening = onAbort(signal, (error) => {
    attempt.cancel(
      new HoldfastError('E_ABORTED', 'the backup was cancelled by its signal', { cause: error, hint: 'Nothing is visible of it; start a new backup.' }),
    )
  })
  const outcome = attempt.outcome.then((reached) => {
    stopListening()
    ended = reached
    state = reached.state
    return reached
  })

  /** Paused or failed: nobody runs it, and it could be resumed. */
  const closeForGood = async () => {
    await attempt.closeEnded()
    ended = { state: 'cancelled', error: cancelled(id) }
    state = 'cancelled'
  }

  return {
    id,
    planId,
    scope,
    token,
    get state() {
      return state
    },
    get current() {
      return attempt.tracker.snapshot()
    },
    progress: () => attempt.feed.iterate(),
    onProgress: (handler) => attempt.feed.subscribe(handler),
    async pause() {
      if (state === 'running') state = 'pausing'
      attempt.pause()
      const reached = ended ?? (await outcome)
      if (reached.state === 'failed' || reached.state === 'cancelled') throw reached.error
      return token
    },
    async cancel() {
      if (ended?.state === 'paused' || ended?.state === 'failed') return closeForGood()
      if (!ended) {
        state = 'cancelling'
        attempt.cancel(cancelled(id))
      }
      const reached = ended ?? (await outcome)
      if (reached.state === 'done')
        throw new HoldfastError('E_SESSION_CLOSED', `session ${id} is complete`, { hint: 'Delete the snapshot if it is not wanted.' })
      if (reached.state === 'failed') throw reached.error
      if (reached.state === 'paused') return closeForGood()
      if (reached.unmarked !== undefined) throw reached.unmarked
    },
    async result() {
      return resultOf(ended ?? (await outcome), id)
    },
  }
}

/** What a completed session's token leads to: the result that is there, and nothing to do. */
export function completedSession(manifest: Manifest, token: string): BackupSession {
  // Not the manifest itself: the session is kept, and asked, long after.
  const { snapshotId: id } = manifest
  const result = backupResult(manifest)
  const tracker = new ProgressTracker({ operation: 'backup', id, phases: BACKUP_PHASES })
  for (const { descriptor, ranges } of manifest.entities) {
    const meter = tracker.entity(descriptor.store, descriptor.name)
    for (const range of ranges) meter.reuse(range.rows, plainBytesOf(range))
    meter.state('done')
  }
  tracker.enter('done')
  const feed = new ProgressFeed({ read: () => tracker.snapshot(), onHandlerError: () => {} })
  feed.end()
  return {
    id,
    planId: result.planId,
    scope: manifest.tenant ?? null,
    token,
    state: 'done',
    get current() {
      return tracker.snapshot()
    },
    progress: () => feed.iterate(),
    onProgress: (handler) => feed.subscribe(handler),
    pause: () => Promise.resolve(token),
    cancel: () => Promise.reject(new HoldfastError('E_SESSION_CLOSED', `session ${id} is complete`, { hint: 'Delete the snapshot if it is not wanted.' })),
    result: () => Promise.resolve(result),
  }
}

function resultOf(outcome: AttemptOutcome, id: string): BackupResult {
  switch (outcome.state) {
    case 'done':
      return outcome.result
    case 'paused':
      throw new HoldfastError('E_SESSION_PAUSED', `session ${id} is paused`)
    case 'cancelled':
    case 'failed':
      throw outcome.error
  }
}

function cancelled(id: string): HoldfastError {
  return new HoldfastError('E_SESSION_CLOSED', `session ${id} was cancelled`)
}
