import { type Comparison, compareLive, compareSnapshots, entityKeyText, idOf, recordHistory } from '../compare/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import type { SchemaChanges } from '../evolution/index.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import type { IBackupPlanRegistry } from '../plan/index.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import { type EntityReference, referenceFacts } from '../plan/entity-reference.ts'
import { suggest } from '../plan/name-list.ts'
import { type EntityFinder, entityFinder } from './entity-finder.ts'
import { checkedSeenAs, openSnapshot, seenManifest } from './open-snapshot.ts'
import type { CompareOptions, HistoryOptions, ISnapshotComparisonService } from './snapshot-comparison-service.ts'
import { ownedManifest } from './owned-rows.ts'
import { readListed } from './read-listed.ts'
import { isByRow, liveStoresOf } from './scoped-stores.ts'
import { findSnapshot } from './snapshot-finder.ts'

export interface ComparisonServiceOptions {
  readonly schema: SchemaChanges
  readonly repositories: BucketRepositories
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly plans: IBackupPlanRegistry
}

const LIVE = 'live'
const ORDERS: readonly HistoryOptions['order'][] = ['newest-first', 'oldest-first']

export function createComparisonService({ repositories, stores, schema, plans }: ComparisonServiceOptions): ISnapshotComparisonService {
  const parts = { repositories, stores, schema, plans }

  return {
    async compare(options): Promise<Comparison> {
      assertKnownOptions(options, ['before', 'after', 'entities', 'as', 'scope', 'signal'] satisfies (keyof CompareOptions)[], 'a comparison')
      const { before, after = LIVE, entities, scope, signal } = options
      const as = checkedSeenAs(options.as)
      const look = { as, signal }
      const found = await findSnapshot(repositories, before, { scope, signal })
      if (after !== LIVE) {
        const other = await findSnapshot(repositories, after, { scope, signal })
        return compareSnapshots({ before: openSnapshot(found, parts, look), after: openSnapshot(other, parts, look), entities, signal })
      }
      const manifest = ownedManifest(found.manifest, { plans, stores, schema })
      const live = await liveStoresOf({ planId: manifest.plan.id, tenant: scope ?? null, byRow: isByRow(manifest) }, stores, plans)
      return compareLive({ snapshot: openSnapshot({ ...found, manifest }, parts, look), stores: live, entities, signal })
    },

    async *history(reference, key, options: HistoryOptions = {}) {
      assertKnownOptions(options, ['series', 'order', 'as', 'scope', 'signal'] satisfies (keyof HistoryOptions)[], 'a history')
      const { series, order = 'newest-first', scope, signal } = options
      if (!ORDERS.includes(order)) throw new HoldfastError('E_CONFIG', `\`order\` is ${JSON.stringify(order)}; expected ${ORDERS.join(', ')}`)
      const look = { as: checkedSeenAs(options.as), signal }
      const find = entityFinder(reference, stores)
      const all = await snapshotsWith(repositories, (manifest) => find(seenManifest(manifest, parts, look.as).manifest), { scope, signal })
      const named = all.filter((snapshot) => series === undefined || snapshot.series === series)
      const [first, ...others] = new Set(named.map((snapshot) => snapshot.entity))
      if (first === undefined)
        throw new HoldfastError(
          'E_ENTITY_UNKNOWN',
          `no snapshot${series === undefined ? '' : ` of the series "${series}"`} has ${JSON.stringify(nameOf(reference))}`,
          {
            hint: `${suggest(
              nameOf(reference),
              [...stores.values()].flatMap(({ mapping }) => mapping.entities.map(({ name }) => name)),
              'entities of today',
            )}.`,
          },
        )
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
        keyOf: (stored) => entityKeyText(stored, key),
        signal,
        snapshots: (async function* () {
          for (const { id } of inOrder) yield openSnapshot(await findSnapshot(repositories, id, { scope, signal }), parts, look)
        })(),
      })
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
    for await (const { id, manifest } of readListed(repository.scopeOf(tenant), { ...options, tenant })) {
      const entity = find(manifest)
      if (entity) found.push({ id, series: manifest.series, entity: idOf(entity) })
    }
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1))
}

function nameOf(reference: EntityReference): string {
  return referenceFacts(reference)?.name ?? 'the entity'
}
