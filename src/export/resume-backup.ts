import type { ChunkStore, JournalEntry, Manifest, Repository, RepositoryScope, SessionRecord, TokenPointer } from '../archive/index.ts'
import { silentLogger } from '../contracts/logger.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { HookRuns, type HookSet } from '../hooks/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { systemClock } from '../kernel/clock.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { ResolvedPlan } from '../plan/resolved-plan.ts'
import { type BackupEnvironment, thisHost } from './backup-environment.ts'
import { type BackupSession, completedSession } from './backup-session.ts'
import { baseImages } from './base-images.ts'
import { beginAttempt } from './begin-attempt.ts'
import { openBuckets } from './open-buckets.ts'
import { openViews } from './open-views.ts'
import { replayJournal } from './replay-journal.ts'
import { SessionJournal } from './session-journal.ts'
import { assertNotExpired, isAlive } from './session-liveness.ts'
import { tenantOf } from '../plan/tenant-of.ts'
import { SourcePaces } from './source-paces.ts'
import { planOfToken } from './token-plan.ts'

export interface ResumeBackupOptions extends BackupEnvironment {
  /** The plan as it is declared now. Throws `E_PLAN_UNKNOWN`. */
  readonly planOf: (planId: string) => ResolvedPlan
  /** The stores of the plan, where they hang on it. Default `stores`. */
  readonly storesOf?: (plan: ResolvedPlan) => Promise<readonly EntityStore[]>
  /** Default `hooks`. */
  readonly hooksOf?: (plan: ResolvedPlan) => readonly HookSet[]
  /** Whose session it is: that of a token of a plan with a scope. */
  readonly tenant?: string | null
  /** Take the session over although another process seems to run it. A living one loses at its next journal entry. Default false. */
  readonly takeover?: boolean
}

/**
 * Goes on with a session, in any process. Everything its journal knows is checked under new views, and only what moved or was missing is read: the snapshot
 * is as consistent as one taken without interruption, at the moment of the last views. The token of a completed session gives its result.
 *
 * @throws HoldfastError `E_TOKEN_INVALID`, `E_PLAN_UNKNOWN`, `E_PLAN_CHANGED`, `E_SESSION_CLOSED` (cancelled, or older than seven days), `E_SESSION_FENCED`
 * (another process runs it), and whatever `startBackup` throws.
 */
export async function resumeBackup(token: string, options: ResumeBackupOptions): Promise<BackupSession> {
  const { signal, clock = systemClock, logger = silentLogger } = options
  throwIfAborted(signal)
  const plan = options.planOf(planOfToken(token))
  const tenant = tenantOf(plan, options.tenant)
  const stores = (await options.storesOf?.(plan)) ?? options.stores
  const pointer = (await options.repositoryOf(plan.bucket)).verifyToken(token)
  const { main, chunksOf } = await openBuckets(plan, options.repositoryOf, tenant)
  assertOwnToken(pointer, main.scopeOf(tenant).id)
  const { sessionId } = pointer
  const scope = main.scopeOf(tenant)

  const manifest = await committedManifest(main, pointer, { signal })
  if (manifest) return completedSession(manifest, token)
  if (pointer.planDigest !== plan.digest) throw new HoldfastError('E_PLAN_CHANGED', `plan ${plan.id} is not what it was when session ${sessionId} started`)
  const session = await sessionRecord(scope, pointer, { signal })
  if ((session.tenant ?? null) !== tenant)
    throw new HoldfastError('E_ARCHIVE_CORRUPT', `the record of session ${sessionId} names another tenant than its scope`)
  assertNotCancelled(sessionId, (await scope.sessions.readJournal(sessionId, { signal })).entries)

  const hooks = new HookRuns({ sets: options.hooksOf?.(plan) ?? options.hooks ?? [], clock, logger })
  const run = { planId: plan.id, scope: tenant, resumed: true }
  try {
    await hooks.before('beforeBackup', run, { signal })
    return await takeUp({ plan, tenant, stores, main, chunksOf, session, hooks }, options)
  } catch (error) {
    await hooks.after('afterBackup', { ...run, status: signal?.aborted ? 'cancelled' : 'failed', snapshotId: null, error })
    throw error
  }
}

interface FoundSession {
  readonly plan: ResolvedPlan
  readonly tenant: string | null
  readonly stores: readonly EntityStore[]
  readonly main: Repository
  readonly chunksOf: (bucket: string) => ChunkStore
  readonly session: SessionRecord
  readonly hooks: HookRuns
}

/** When it gives a session, the hooks after the backup are the session's. */
async function takeUp({ plan, tenant, stores, main, chunksOf, session, hooks }: FoundSession, options: ResumeBackupOptions): Promise<BackupSession> {
  const { signal, clock = systemClock, logger = silentLogger, host = thisHost } = options
  const { sessionId } = session
  const scope = main.scopeOf(tenant)
  const attempt = await scope.sessions.claimAttempt(sessionId, { host: host.name, pid: host.pid, startedAt: new Date(clock.now()).toISOString() }, { signal })
  const liveness = await scope.sessions.liveness(sessionId, { signal })
  const ageMs = attempt.storedAt - liveness.createdAt
  assertNotExpired(sessionId, ageMs)
  // Read after the claim: whatever is written from here on makes the first entry of this attempt fail.
  const { entries, next } = await scope.sessions.readJournal(sessionId, { signal })
  assertNotCancelled(sessionId, entries)
  if (!options.takeover && isAlive(liveness, entries.at(-1), host, attempt.storedAt)) {
    throw new HoldfastError('E_SESSION_FENCED', `session ${sessionId} is being run by process ${liveness.attempt!.pid} on ${liveness.attempt!.host}`, {
      details: { sessionId, attempt: liveness.attempt!.n },
    })
  }
  const controller = new AbortController()
  const journal = new SessionJournal({ log: scope.sessions, sessionId, attempt: attempt.n, next, clock, controller })
  await journal.open({ signal })
  try {
    const base = await baseOf(session, scope, { signal })
    const paces = new SourcePaces(plan, stores, logger)
    await paces.assertLagIsSeen({ signal })
    const views = await openViews(plan, stores, { paces, tenant, hooks, resumed: true, signal })
    try {
      logger.info({ sessionId, planId: plan.id, attempt: attempt.n }, 'backup resumed')
      return beginAttempt({
        plan,
        stores,
        main,
        chunksOf,
        session,
        attempt,
        ageMs,
        journal,
        known: replayJournal(entries, baseImages(base, plan)),
        views,
        paces,
        hooks,
        resumed: true,
        controller,
        clock,
        logger,
        signal,
      })
    } catch (error) {
      await views.close().catch(() => {}) // the first error is the one to know
      throw error
    }
  } catch (error) {
    await journal.end('failed', isHoldfastError(error) ? error.code : undefined, {}).catch(() => journal.close())
    throw error
  }
}

/** The token says where to look; for whom, the caller says. `E_TOKEN_INVALID` when they differ. */
function assertOwnToken(pointer: TokenPointer, scopeId: string | null): void {
  if (pointer.scope === scopeId) return
  throw new HoldfastError('E_TOKEN_INVALID', 'the continuation token cannot be used: it is of another scope')
}

/** The session's snapshot; null when it is not committed. `E_SESSION_CLOSED` when it was, and is hidden by now. */
async function committedManifest(main: Repository, { sessionId, scope }: TokenPointer, options: AbortableOptions): Promise<Manifest | null> {
  try {
    return await main.scope(scope).readManifest(sessionId, options)
  } catch (error) {
    if (!isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) throw error
  }
  // By its tombstone: the manifest itself may be pruned already.
  const tombstone = await main.scope(scope).tombstone(sessionId, options)
  if (tombstone?.replacedBy !== undefined) {
    throw new HoldfastError('E_SESSION_CLOSED', `session ${sessionId} is complete, and its snapshot was rewritten without erased records`, {
      hint: `The snapshot is ${tombstone.replacedBy} now.`,
      details: { sessionId, replacedBy: tombstone.replacedBy },
    })
  }
  if (tombstone) throw new HoldfastError('E_SESSION_CLOSED', `session ${sessionId} is complete, and its snapshot was deleted`)
  return null
}

async function sessionRecord(scope: RepositoryScope, { sessionId }: TokenPointer, options: AbortableOptions): Promise<SessionRecord> {
  try {
    return await scope.sessions.read(sessionId, options)
  } catch (error) {
    if (!isHoldfastError(error, 'E_ARCHIVE_MISSING')) throw error
    throw new HoldfastError('E_SESSION_CLOSED', `session ${sessionId} is not in the repository any more`, { cause: error })
  }
}

/** The snapshot that the session builds on. When it was deleted meanwhile only the journal is known: more is read, and nothing else changes. */
async function baseOf({ parent }: SessionRecord, scope: RepositoryScope, options: AbortableOptions): Promise<Manifest | null> {
  if (parent === null) return null
  try {
    return await scope.readManifest(parent, options)
  } catch (error) {
    if (isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) return null
    throw error
  }
}

function assertNotCancelled(sessionId: string, entries: readonly JournalEntry[]): void {
  if (entries.some((entry) => entry.type === 'cancelled')) throw new HoldfastError('E_SESSION_CLOSED', `session ${sessionId} was cancelled`)
}
