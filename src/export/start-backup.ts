import type { SessionRecord, Trigger } from '../archive/index.ts'
import { silentLogger } from '../contracts/logger.ts'
import { HookRuns } from '../hooks/index.ts'
import { throwIfAborted } from '../kernel/abort.ts'
import { systemClock } from '../kernel/clock.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { uuidv7 } from '../kernel/ids.ts'
import type { ResolvedPlan } from '../plan/resolved-plan.ts'
import { type BackupEnvironment, thisHost } from './backup-environment.ts'
import type { BackupSession } from './backup-session.ts'
import { baseImages } from './base-images.ts'
import { beginAttempt } from './begin-attempt.ts'
import { type BackupKind, chooseBase } from './choose-base.ts'
import { openBuckets } from './open-buckets.ts'
import { openViews } from './open-views.ts'
import { replayJournal } from './replay-journal.ts'
import { SessionJournal } from './session-journal.ts'
import { tenantOf } from '../plan/tenant-of.ts'
import { SourcePaces } from './source-paces.ts'

export interface StartBackupOptions extends BackupEnvironment {
  readonly plan: ResolvedPlan
  readonly trigger: Trigger
  readonly metadata: Readonly<Record<string, string>>
  /** Default `full`. */
  readonly kind?: BackupKind
  /** Whose rows are backed up: required by a plan with a scope, refused by any other. */
  readonly tenant?: string | null
  /** Snapshots that build on each other. Default the plan's id. */
  readonly series?: string
}

/**
 * Starts a backup. Resolves once the views are open and the session is on record, so that its token is good from then on; the
 * work goes on behind. Views come first: what cannot be backed up as the plan requires leaves nothing in the storage.
 *
 * @throws HoldfastError `E_CONSISTENCY`, `E_STORE_UNKNOWN`, `E_SCHEMA_DRIFT`, `E_STORE_FAILED`, `E_CAPABILITY`, `E_STORAGE`, `E_HOOK` …
 */
export async function startBackup(options: StartBackupOptions): Promise<BackupSession> {
  const { plan, signal, clock = systemClock, logger = silentLogger } = options
  throwIfAborted(signal)
  const tenant = tenantOf(plan, options.tenant)
  const hooks = new HookRuns({ sets: options.hooks ?? [], clock, logger })
  const run = { planId: plan.id, scope: tenant, resumed: false }
  try {
    await hooks.before('beforeBackup', run, { signal })
    return await begin(options, tenant, hooks)
  } catch (error) {
    await hooks.after('afterBackup', { ...run, status: signal?.aborted ? 'cancelled' : 'failed', snapshotId: null, error })
    throw error
  }
}

/** When it gives a session, the hooks after the backup are the session's. */
async function begin(options: StartBackupOptions, tenant: string | null, hooks: HookRuns): Promise<BackupSession> {
  const { plan, stores, signal, kind = 'full', series = options.plan.id, clock = systemClock, logger = silentLogger, host = thisHost } = options
  const { main, chunksOf } = await openBuckets(plan, options.repositoryOf, tenant)
  const paces = new SourcePaces(plan, stores, logger)
  await paces.assertLagIsSeen({ signal })
  const views = await openViews(plan, stores, { paces, tenant, hooks, resumed: false, signal })
  try {
    const scope = main.scopeOf(tenant)
    const { base, ...chosen } = await chooseBase({ scope, series, kind, policy: plan.policy, views, signal })
    const startedAt = new Date(clock.now()).toISOString()
    const session: SessionRecord = {
      sessionId: uuidv7(clock.now()),
      planId: plan.id,
      planDigest: plan.digest,
      scope: scope.id,
      ...(tenant === null ? {} : { tenant }),
      series,
      ...chosen,
      parent: base?.snapshotId ?? null,
      startedAt,
      trigger: options.trigger,
      metadata: options.metadata,
    }
    const { sessionId } = session
    await scope.sessions.create(session, { signal })
    const attempt = await scope.sessions.claimAttempt(sessionId, { host: host.name, pid: host.pid, startedAt }, { signal })
    const controller = new AbortController()
    const journal = new SessionJournal({ log: scope.sessions, sessionId, attempt: attempt.n, next: 1, clock, controller })
    await journal.open({ signal })
    try {
      logger.info({ sessionId, planId: plan.id, ...chosen, entities: plan.entities.length }, 'backup started')
      return beginAttempt({
        plan,
        stores,
        main,
        chunksOf,
        session,
        attempt,
        ageMs: 0,
        journal,
        known: replayJournal([], baseImages(base, plan)),
        views,
        paces,
        hooks,
        resumed: false,
        controller,
        clock,
        logger,
        signal,
      })
    } catch (error) {
      // Else its signs of life would go on, and nobody could take the session up.
      await journal.end('failed', isHoldfastError(error) ? error.code : undefined, {}).catch(() => journal.close())
      throw error
    }
  } catch (error) {
    await views.close().catch(() => {}) // the first error is the one to know
    throw error
  }
}
