import type { Hold, HoldLog } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { Clock } from '../kernel/clock.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { assertNoted } from '../kernel/noted-text.ts'
import type { IBackupDiscoveryService } from './backup-discovery-service.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import { findSnapshot, unknownSnapshot } from './snapshot-finder.ts'

/** Longer reasons belong elsewhere. */
const REASON_CHARACTERS = 1000

/** Holding snapshots, and letting them go. */
export function createHolds(repositories: BucketRepositories, clock: Clock): Pick<IBackupDiscoveryService, 'hold' | 'holds' | 'release'> {
  return {
    async hold(id, options) {
      assertKnownOptions(options, ['reason', 'scope', 'signal'], 'holding a snapshot')
      const { reason, scope: tenant, signal } = options
      if (typeof reason !== 'string' || reason.trim() === '' || reason.length > REASON_CHARACTERS)
        throw new HoldfastError('E_CONFIG', `\`reason\` must be a text of at most ${REASON_CHARACTERS} characters`, {
          hint: 'Say why the snapshot must stay; whoever wants it deleted reads it.',
        })
      const { repository, manifest } = await findSnapshot(repositories, id, { scope: tenant, signal })
      const scope = repository.scope(manifest.scope)
      const hold = await scope.holds.place(id, { reason, at: new Date(clock.now()).toISOString() }, { signal })
      // After it: who deletes later sees the hold, who deleted before is seen here.
      if (!(await scope.isHidden(id, { signal }))) return hold
      await scope.holds.release(hold)
      throw unknownSnapshot(repositories, id)
    },
    async holds(options = {}) {
      assertKnownOptions(options, ['snapshot', 'scope', 'signal'], 'looking for holds')
      const { snapshot, scope: tenant, signal } = options
      const found: Hold[] = []
      for await (const { repository } of repositories.all({ signal }))
        for await (const hold of repository.scopeOf(tenant).holds.list(snapshot, { signal })) found.push(hold)
      return found.sort((a, b) => (a.holdId < b.holdId ? -1 : 1))
    },
    async release(holdId, options = {}) {
      assertKnownOptions(options, ['by', 'scope', 'signal'], 'releasing a hold')
      assertNoted(options)
      const { by, scope: tenant, signal } = options
      for await (const { repository } of repositories.all({ signal })) {
        const { holds: log, audit } = repository.scopeOf(tenant)
        // By name alone, so that one that cannot be read can be released.
        for await (const hold of log.names({ signal })) {
          if (hold.holdId !== holdId) continue
          const reason = await reasonOf(log, hold, { signal })
          await audit.write(
            { act: 'hold-released', holdId, snapshots: [hold.snapshotId], reason, by: by ?? null, at: new Date(clock.now()).toISOString() },
            { signal },
          )
          return log.release(hold, { signal })
        }
      }
      throw new HoldfastError('E_HOLD_UNKNOWN', `there is no hold ${JSON.stringify(holdId)}`)
    },
  }
}

/** Why it was placed; null where it cannot be read. */
async function reasonOf(log: HoldLog, { snapshotId, holdId }: Pick<Hold, 'snapshotId' | 'holdId'>, options: AbortableOptions): Promise<string | null> {
  try {
    for await (const hold of log.list(snapshotId, options)) if (hold.holdId === holdId) return hold.reason
  } catch (error) {
    if (!isHoldfastError(error) || !error.code.startsWith('E_ARCHIVE_')) throw error
  }
  return null
}
