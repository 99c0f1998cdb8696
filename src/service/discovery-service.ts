import { assertNotHeld, type AuditEntry, type AuditLog, type HideOptions, type Manifest, type RepositoryScope, type VerifyLevel } from '../archive/index.ts'
import { type PrunePlace, pruneScopes, type PruneScopesOptions, retain, type RetainOptions } from '../catalog/index.ts'
import type { Logger } from '../contracts/logger.ts'
import { createSnapshotReader } from '../compare/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { Clock } from '../kernel/clock.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { mapOrdered } from '../kernel/map-ordered.ts'
import { assertNoted } from '../kernel/noted-text.ts'
import type { SchemaChanges } from '../evolution/index.ts'
import type { EntityReference, IBackupPlanRegistry, Inventory } from '../plan/index.ts'
import type { IBackupDiscoveryService, SnapshotQuery, SnapshotSummary, UnfinishedSession } from './backup-discovery-service.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import { entityFinder } from './entity-finder.ts'
import { checkedSeenAs, openSnapshot } from './open-snapshot.ts'
import { readListed } from './read-listed.ts'
import { createHolds } from './snapshot-holds.ts'
import { pinSnapshot } from './pin-snapshot.ts'
import type { SeenAsOption } from './seen-as.ts'
import { findSnapshot, unknownSnapshot } from './snapshot-finder.ts'
import { unfinishedOf } from './unfinished-sessions.ts'
import { verifySnapshot } from './verify-snapshot.ts'

export interface DiscoveryServiceOptions {
  readonly schema: SchemaChanges
  readonly repositories: BucketRepositories
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly plans: IBackupPlanRegistry
  readonly inventory: Inventory
  readonly clock: Clock
  readonly logger: Logger
}

const LEVELS: readonly VerifyLevel[] = ['presence', 'stored', 'plain']

export function createDiscoveryService({ repositories, stores, schema, plans, inventory, clock, logger }: DiscoveryServiceOptions): IBackupDiscoveryService {
  return {
    plans: () => plans.list(),
    inventory: () => inventory,

    async snapshots(query: SnapshotQuery = {}) {
      assertKnownOptions(query, ['plan', 'limit', 'scope', 'signal'] satisfies (keyof SnapshotQuery)[], 'a look for snapshots')
      const { plan, limit = Number.POSITIVE_INFINITY, scope, signal } = query
      if (plan !== undefined) plans.get(plan)
      if (limit !== Number.POSITIVE_INFINITY && !(Number.isInteger(limit) && limit >= 0))
        throw new HoldfastError('E_CONFIG', `\`limit\` is ${String(limit)}; expected a whole number`)
      const summaries: SnapshotSummary[] = []
      for await (const { repository } of repositories.all({ signal }))
        summaries.push(...(await summariesOf(repository.scopeOf(scope), plan, limit, { tenant: scope, signal })))
      return summaries.sort(newestFirst).slice(0, limit)
    },

    snapshot: async (id, options = {}) => (await findSnapshot(repositories, id, options)).manifest,

    async open(id, options: ScopeOption & SeenAsOption = {}) {
      assertKnownOptions(options, ['as', 'scope', 'signal'], 'opening a snapshot')
      const { scope, signal } = options
      const as = checkedSeenAs(options.as)
      const found = await findSnapshot(repositories, id, { scope, signal })
      const snapshot = openSnapshot(found, { repositories, stores, schema, plans }, { as })
      const { entities } = snapshot.manifest
      const find = (reference: EntityReference) => {
        const finder = entityFinder(reference, stores)
        // Whoever goes by the manifest of the snapshot knows the names that it has.
        const stored = () => (typeof reference === 'string' ? finder(found.manifest)?.descriptor : undefined)
        const named = (then = stored()) => entities.find((entity) => entity.descriptor.store === then?.store && snapshot.archivedName(entity) === then.name)
        return finder(snapshot.manifest) ?? named() ?? null
      }
      return createSnapshotReader(snapshot, find, { manifest: found.manifest, schema: entities.flatMap((entity) => snapshot.evolutionOf(entity).outcomes) })
    },

    async delete(id, options) {
      assertKnownOptions(options, ['reason', 'by', 'scope', 'signal'], 'deleting a snapshot')
      assertNoted(options)
      const { reason, by, scope, signal } = options
      if (typeof reason !== 'string' || reason.trim() === '')
        throw new HoldfastError('E_CONFIG', '`reason` is empty', { hint: 'Say why the snapshot is deleted; the tombstone keeps it.' })
      // Without reading it: a damaged one must be possible to delete, or it would keep prune from ever going on.
      const hidden = await repositories.find(async ({ repository }) => hideIn(repository.scopeOf(scope), id, reason, { by, signal }), { signal })
      if (!hidden) throw unknownSnapshot(repositories, id)
    },

    ...createHolds(repositories, clock),

    async audit(options = {}) {
      assertKnownOptions(options, ['limit', 'scope', 'signal'], 'an audit')
      const { limit = AUDIT_LIMIT, scope, signal } = options
      if (!Number.isSafeInteger(limit) || limit < 1) throw new HoldfastError('E_CONFIG', `\`limit\` is ${String(limit)}; expected a whole number above 0`)
      // Two buckets may be the same place.
      const logs = new Map<string, AuditLog>()
      for await (const { repository } of repositories.all({ signal })) {
        const { audit } = repository.scopeOf(scope)
        for await (const auditId of audit.ids({ signal })) logs.set(auditId, audit)
      }
      const newest = [...logs.keys()].toSorted().toReversed().slice(0, limit)
      const entries: AuditEntry[] = []
      for await (const entry of mapOrdered(newest, AUDIT_PARALLEL, (auditId) => logs.get(auditId)!.read(auditId, { signal }))) entries.push(entry)
      return entries
    },

    async unfinished(options = {}) {
      const sessions: UnfinishedSession[] = []
      for await (const { repository } of repositories.all({ signal: options.signal })) sessions.push(...(await unfinishedOf(repository, clock, options)))
      return sessions.sort(newestFirst)
    },

    async verify(id, options: ScopeOption & { readonly level?: VerifyLevel } = {}) {
      assertKnownOptions(options, ['level', 'scope', 'signal'], 'verifying a snapshot')
      const { level = 'plain', scope, signal } = options
      if (!LEVELS.includes(level))
        throw new HoldfastError('E_CONFIG', `\`level\` is ${JSON.stringify(level)}; expected ${LEVELS.map((name) => `"${name}"`).join(', ')}`)
      const { manifest, repository } = await findSnapshot(repositories, id, { scope, signal })
      const bucket = async (name: string) => (await repositories.existing(name, { signal })).scope(manifest.scope)
      const release = await pinSnapshot(repository.scope(manifest.scope), id, logger, { signal })
      try {
        return await verifySnapshot(manifest, bucket, level, { signal })
      } finally {
        await release()
      }
    },

    async retain(options: RetainOptions) {
      // A misspelt `dryRun` must not delete.
      assertKnownOptions(options, ['keep', 'plan', 'dryRun', 'allowMoreThanHalf', 'by', 'scope', 'signal'] satisfies (keyof RetainOptions)[], 'a retention')
      assertNoted(options)
      if (options.plan !== undefined) plans.get(options.plan)
      const places: PrunePlace[] = []
      for await (const place of repositories.all({ signal: options.signal })) places.push(place)
      return retain({ places, clock, logger }, options)
    },

    async prune(options: PruneScopesOptions = {}) {
      // A misspelt `dryRun` must not delete.
      assertKnownOptions(
        options,
        [
          'dryRun',
          'graceMs',
          'allowMoreThanHalf',
          'endedSeries',
          'keepUndoMs',
          'keepRestoresMs',
          'by',
          'scope',
          'signal',
        ] satisfies (keyof PruneScopesOptions)[],
        'a prune',
      )
      assertNoted(options)
      const places: PrunePlace[] = []
      for await (const place of repositories.all({ signal: options.signal })) places.push(place)
      return pruneScopes({ places, clock, logger }, options)
    },
  }
}

/** Entries that are given when it is not said. */
const AUDIT_LIMIT = 100
/** Entries that are fetched at once. */
const AUDIT_PARALLEL = 8

/** True when it was there and visible. */
async function hideIn(scope: RepositoryScope, id: string, reason: string, { by, ...options }: HideOptions): Promise<boolean | null> {
  if (await scope.isHidden(id, options)) return null
  try {
    await assertNotHeld(scope, id, options)
    await scope.hide(id, reason, { by, ...options })
    return true
  } catch (error) {
    if (isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) return null
    throw error
  }
}

async function summariesOf(
  scope: RepositoryScope,
  plan: string | undefined,
  limit: number,
  options: AbortableOptions & { readonly tenant: string | null | undefined },
): Promise<SnapshotSummary[]> {
  const summaries: SnapshotSummary[] = []
  if (limit === 0) return summaries
  for await (const { manifest } of readListed(scope, { ...options, newestFirst: true })) {
    if (plan === undefined || manifest.plan.id === plan) summaries.push(summarize(manifest))
    if (summaries.length >= limit) break
  }
  return summaries
}

function summarize(manifest: Manifest): SnapshotSummary {
  return {
    id: manifest.snapshotId,
    planId: manifest.plan.id,
    kind: manifest.kind,
    viewAt: manifest.times.viewAt,
    committedAt: manifest.times.committedAt,
    consistency: manifest.consistency.level,
    trigger: manifest.trigger,
    metadata: manifest.metadata,
    entities: manifest.totals.entities,
    rows: manifest.totals.rows,
    plainBytes: manifest.totals.plainBytes,
    storedBytes: manifest.totals.storedBytes,
  }
}

function newestFirst(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0
}
