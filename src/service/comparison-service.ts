import type { ManifestEntity } from '../archive/index.ts'
import { type Comparison, compareLive, compareSnapshots, entityKeyText, idOf, type OpenSnapshot, recordHistory } from '../compare/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import { type ErasedRows, erasedOfSnapshot } from '../erasure/index.ts'
import { evolveManifest, type SchemaChanges } from '../evolution/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import type { IBackupPlanRegistry } from '../plan/index.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import { type EntityFinder, entityFinder } from './entity-finder.ts'
import type { CompareOptions, HistoryOptions, ISnapshotComparisonService } from './snapshot-comparison-service.ts'
import { ownedManifest } from './owned-rows.ts'
import { isByRow, liveStoresOf } from './scoped-stores.ts'
import { findSnapshot, type FoundSnapshot } from './snapshot-finder.ts'

export interface ComparisonServiceOptions {
  readonly schema: SchemaChanges
  readonly repositories: BucketRepositories
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly plans: IBackupPlanRegistry
}

const LIVE = 'live'
const ORDERS: readonly HistoryOptions['order'][] = ['newest-first', 'oldest-first']

export function createComparisonService({ repositories, stores, schema, plans }: ComparisonServiceOptions): ISnapshotComparisonService {
  const opened = async (id: string, options: ScopeOption) =>
    openSnapshot(await findSnapshot(repositories, id, options), { repositories, stores, schema }, { signal: options.signal })

  return {
    async compare(options): Promise<Comparison> {
      assertKnownOptions(options, ['before', 'after', 'entities', 'scope', 'signal'] satisfies (keyof CompareOptions)[], 'a comparison')
      const { before, after = LIVE, entities, scope, signal } = options
      const old = await opened(before, { scope, signal })
      if (after === LIVE) {
        const manifest = ownedManifest(old.manifest, { plans, stores, schema })
        const live = await liveStoresOf({ planId: manifest.plan.id, tenant: scope ?? null, byRow: isByRow(manifest) }, stores, plans)
        return compareLive({ snapshot: { ...old, manifest }, stores: live, entities, signal })
      }
      return compareSnapshots({ before: old, after: await opened(after, { scope, signal }), entities, signal })
    },

    async *history(reference, key, options: HistoryOptions = {}) {
      assertKnownOptions(options, ['series', 'order', 'scope', 'signal'] satisfies (keyof HistoryOptions)[], 'a history')
      const { series, order = 'newest-first', scope, signal } = options
      if (!ORDERS.includes(order)) throw new HoldfastError('E_CONFIG', `\`order\` is ${JSON.stringify(order)}; expected ${ORDERS.join(', ')}`)
      const find = entityFinder(reference, stores)
      const all = await snapshotsWith(repositories, find, { scope, signal })
      const named = all.filter((snapshot) => series === undefined || snapshot.series === series)
      const [first, ...others] = new Set(named.map((snapshot) => snapshot.entity))
      if (first === undefined)
        throw new HoldfastError('E_ENTITY_UNKNOWN', `no snapshot${series === undefined ? '' : ` of the series "${series}"`} has the entity`)
      if (others.length > 0)
        throw new HoldfastError('E_ENTITY_UNKNOWN', 'the name means entities of several stores', { hint: 'Name it with its store: "store.Name".' })
      const found = [...new Set(named.map((snapshot) => snapshot.series))]
      if (found.length > 1) {
        throw new HoldfastError('E_CONFIG', `the entity is in the series ${found.join(', ')}`, { hint: 'Say which: `series`.' })
      }
      const inOrder = order === 'newest-first' ? named.toReversed() : named
      const [store, entity] = JSON.parse(first) as [string, string]
      yield* recordHistory({
        store,
        entity,
        order,
        keyOf: ({ descriptor }) => entityKeyText(descriptor, key),
        signal,
        snapshots: (async function* () {
          for (const { id } of inOrder) yield await opened(id, { scope, signal })
        })(),
      })
    },
  }
}

/** A snapshot of any bucket, its chunks found in the buckets that its manifest names. */
export function openSnapshot(
  { manifest, repository }: Pick<FoundSnapshot, 'manifest' | 'repository'>,
  { repositories, stores, schema }: Omit<ComparisonServiceOptions, 'plans'>,
  options: AbortableOptions,
): OpenSnapshot {
  const chunks = async (bucket: string) => (await repositories.existing(bucket, options)).scope(manifest.scope).chunks
  const { erasures } = repository.scope(manifest.scope)
  const today = evolveManifest(manifest, { stores, changes: schema }).manifest.entities
  const nameToday = ({ descriptor: { store, table, schema: of } }: ManifestEntity) =>
    today.find(({ descriptor }) => descriptor.store === store && descriptor.table === table && descriptor.schema === of)?.descriptor.name ?? ''
  let erased: Promise<ErasedRows> | null = null
  return {
    manifest,
    chunks,
    erased(looking) {
      erased ??= erasedOfSnapshot({ manifest, chunks, erasures, nameToday }, looking)
      // One that failed, or was given up, is no answer for who asks next.
      erased.catch(() => (erased = null))
      return erased
    },
  }
}

interface SnapshotWith {
  readonly id: string
  readonly series: string
  readonly entity: string
}

/** Oldest first. Manifests are read one by one, and not kept: there may be many. */
async function snapshotsWith(
  repositories: BucketRepositories,
  find: EntityFinder,
  { scope: tenant, ...options }: ScopeOption,
): Promise<readonly SnapshotWith[]> {
  const found: SnapshotWith[] = []
  for await (const { repository } of repositories.all(options)) {
    const scope = repository.scopeOf(tenant)
    for await (const { id } of scope.listSnapshots(options)) {
      try {
        const manifest = await scope.readManifest(id, options)
        const entity = find(manifest)
        if (entity) found.push({ id, series: manifest.series, entity: idOf(entity) })
      } catch (error) {
        // Deleted since the listing.
        if (!isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) throw error
      }
    }
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1))
}
