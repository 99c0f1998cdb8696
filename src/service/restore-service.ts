import type { RestoreLog } from '../archive/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { Logger } from '../contracts/logger.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { Clock } from '../kernel/clock.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { isUuid } from '../kernel/ids.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { type RestoreDiagnostics, type RestoreRequest, type RestoreResult, type RestoreSession, startRestore } from '../restore/index.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import type { IDataRestoreService } from './data-restore-service.ts'
import { RecentSessions } from './recent-sessions.ts'
import { pinSnapshot } from './pin-snapshot.ts'
import { findSnapshot } from './snapshot-finder.ts'

/** The service, and what the application's owner needs to stop it. */
export interface RestoreService extends IDataRestoreService {
  readonly recent: RecentSessions<RestoreSession>
  /** Resolves when the restores that have ended have let go of their snapshots. */
  released(): Promise<void>
}

export interface RestoreServiceOptions {
  readonly repositories: BucketRepositories
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly clock: Clock
  readonly logger: Logger
}

export function createRestoreService({ repositories, stores, clock, logger }: RestoreServiceOptions): RestoreService {
  const recent = new RecentSessions<RestoreSession>()
  const releasing = new Set<Promise<void>>()

  /** The pin goes when the session has ended; that it is gone, `released` waits for. */
  function releaseAtEnd(session: RestoreSession, release: () => Promise<void>): void {
    const released = session
      .result()
      .then(release, release)
      .finally(() => releasing.delete(released))
    releasing.add(released)
  }

  async function start(request: RestoreRequest, options: AbortableOptions = {}): Promise<RestoreSession> {
    // A `dryRun` that went astray into the options must not write.
    assertKnownOptions(options, ['signal'], 'beside its request a restore')
    const { signal } = options
    return recent.begin(async () => {
      const { repository, manifest } = await findSnapshot(repositories, request.snapshot, { signal })
      const bucket = async (name: string) => (await repositories.existing(name, { signal })).scope(manifest.scope)
      const scope = repository.scope(manifest.scope)
      const release = await pinSnapshot(scope, manifest.snapshotId, logger, { signal })
      try {
        const session = startRestore(request, { manifest, repository: scope, bucket, stores, clock, logger, signal })
        releaseAtEnd(session, release)
        return session
      } catch (error) {
        await release()
        throw error
      }
    })
  }

  async function readLog(restoreId: string, read: (log: RestoreLog) => Promise<unknown>, options: AbortableOptions): Promise<unknown> {
    if (!isUuid(restoreId)) return null
    return repositories.find(async ({ repository }) => {
      try {
        return await read(repository.scope().restores)
      } catch (error) {
        if (isHoldfastError(error, 'E_ARCHIVE_MISSING')) return null
        throw error
      }
    }, options)
  }

  return {
    recent,
    released: async () => void (await Promise.all(releasing)),
    start,
    restore: async (request, options) => (await start(request, options)).result(),
    session: (id) => recent.get(id),
    sessions: () => recent.list(),
    result: async (id, options = {}) => (await readLog(id, (log) => log.readResult(id, options), options)) as RestoreResult | null,
    diagnostics: async (id, options = {}) => (await readLog(id, (log) => log.readDiagnostics(id, options), options)) as RestoreDiagnostics | null,
  }
}
