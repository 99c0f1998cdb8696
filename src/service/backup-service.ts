import type { EntityStore } from '../contracts/entity-store.ts'
import type { Logger } from '../contracts/logger.ts'
import { type BackupSession, resumeBackup, startBackup } from '../export/index.ts'
import type { HookSets } from './hook-sets.ts'
import type { Clock } from '../kernel/clock.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { type IBackupPlanRegistry, type ResolvedPlan, tenantOf } from '../plan/index.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import { checkKind, checkMetadata, checkSeries, checkTrigger } from './check-start.ts'
import { withSourceLimits } from './check-source.ts'
import type { IDataBackupService, ResumeBackupOptions, StartBackupOptions } from './data-backup-service.ts'
import { scopedStores } from './scoped-stores.ts'
import { RecentSessions } from './recent-sessions.ts'
import { retentionAfter } from './retention-after.ts'

/** The service, and what the application's owner needs to stop it. */
export interface BackupService extends IDataBackupService {
  readonly recent: RecentSessions<BackupSession>
}

export interface BackupServiceOptions {
  readonly repositories: BucketRepositories
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly plans: IBackupPlanRegistry
  readonly hooks: HookSets
  readonly clock: Clock
  readonly logger: Logger
}

const START_OPTIONS: readonly (keyof StartBackupOptions)[] = ['metadata', 'trigger', 'kind', 'series', 'source', 'scope', 'signal']
const RESUME_OPTIONS: readonly (keyof ResumeBackupOptions)[] = ['takeover', 'source', 'scope', 'signal']

export function createBackupService({ repositories, stores, plans, hooks, clock, logger }: BackupServiceOptions): BackupService {
  const recent = new RecentSessions<BackupSession>()
  const environment = { stores: [...stores.values()], clock, logger }
  // First in the list, so that what comes after a backup calls it last: hooks still see what it deletes.
  const hooksOf = (plan: ResolvedPlan) => [...retentionAfter(plan, { repositories, clock, logger }), ...hooks.of(plan.id)]

  async function start(planId: string, options: StartBackupOptions = {}): Promise<BackupSession> {
    assertKnownOptions(options, START_OPTIONS, 'a backup')
    const { metadata = {}, trigger = 'manual', kind = 'auto', series = planId, source, scope: tenant, signal } = options
    const plan = withSourceLimits(plans.resolved(planId), source)
    checkMetadata(metadata)
    checkTrigger(trigger)
    checkKind(kind)
    checkSeries(series)
    const repositoryOf = (bucket: string) => repositories.openOrCreate(bucket)
    const own = [...(await scopedStores(plan, tenantOf(plan, tenant), stores)).values()]
    return recent.begin(() =>
      startBackup({ ...environment, hooks: hooksOf(plan), stores: own, tenant, repositoryOf, plan, metadata, trigger, kind, series, signal }),
    )
  }

  return {
    recent,
    start,
    run: async (planId, options) => (await start(planId, options)).result(),
    async resume(token, options: ResumeBackupOptions = {}) {
      assertKnownOptions(options, RESUME_OPTIONS, 'resuming a backup')
      const { takeover = false, source, scope: tenant, signal } = options
      // Whatever the token leads to was made when the session started; a wrong one must not leave an empty repository behind.
      const repositoryOf = (bucket: string) => repositories.existing(bucket, { signal })
      return recent.begin(() =>
        resumeBackup(token, {
          ...environment,
          storesOf: async (plan) => [...(await scopedStores(plan, tenantOf(plan, tenant), stores)).values()],
          tenant,
          repositoryOf,
          hooksOf,
          planOf: (id) => withSourceLimits(plans.resolved(id), source),
          takeover,
          signal,
        }),
      )
    },
    session: (id) => recent.get(id),
    sessions: () => recent.list(),
  }
}
