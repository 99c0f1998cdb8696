import type { Manifest } from '../archive/index.ts'
import { type Comparison, compareLive, compareSnapshots, entityKeyText, idOf, type OpenSnapshot, recordHistory } from '../compare/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import { type EntityFinder, entityFinder } from './entity-finder.ts'
import type { CompareOptions, HistoryOptions, ISnapshotComparisonService } from './snapshot-comparison-service.ts'
import { findSnapshot } from './snapshot-finder.ts'

export interface ComparisonServiceOptions {
  readonly repositories: BucketRepositories
  readonly stores: ReadonlyMap<string, EntityStore>
}

const LIVE = 'live'
const ORDERS: readonly HistoryOptions['order'][] = ['newest-first', 'oldest-first']

export function createComparisonService({ repositories, stores }: ComparisonServiceOptions): ISnapshotComparisonService {
  const opened = async (id: string, options: AbortableOptions) => openSnapshot((await findSnapshot(repositories, id, options)).manifest, repositories, options)

  return {
    async compare(options): Promise<Comparison> {
      assertKnownOptions(options, ['before', 'after', 'entities', 'signal'] satisfies (keyof CompareOptions)[], 'a comparison')
      const { before, after = LIVE, entities, signal } = options
      const old = await opened(before, { signal })
      if (after === LIVE) return compareLive({ snapshot: old, stores, entities, signal })
      return compareSnapshots({ before: old, after: await opened(after, { signal }), entities, signal })
    },

    async *history(reference, key, options: HistoryOptions = {}) {
      assertKnownOptions(options, ['series', 'order', 'signal'] satisfies (keyof HistoryOptions)[], 'a history')
      const { series, order = 'newest-first', signal } = options
      if (!ORDERS.includes(order)) throw new HoldfastError('E_CONFIG', `\`order\` is ${JSON.stringify(order)}; expected ${ORDERS.join(', ')}`)
      const find = entityFinder(reference, stores)
      const all = await snapshotsWith(repositories, find, { signal })
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
          for (const { id } of inOrder) yield await opened(id, { signal })
        })(),
      })
    },
  }
}

/** A snapshot of any bucket, its chunks found in the buckets that its manifest names. */
export function openSnapshot(manifest: Manifest, repositories: BucketRepositories, options: AbortableOptions): OpenSnapshot {
  return { manifest, chunks: async (bucket) => (await repositories.existing(bucket, options)).scope(manifest.scope).chunks }
}

interface SnapshotWith {
  readonly id: string
  readonly series: string
  readonly entity: string
}

/** Oldest first. Manifests are read one by one, and not kept: there may be many. */
async function snapshotsWith(repositories: BucketRepositories, find: EntityFinder, options: AbortableOptions): Promise<readonly SnapshotWith[]> {
  const found: SnapshotWith[] = []
  for await (const { repository } of repositories.all(options)) {
    const scope = repository.scope()
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
