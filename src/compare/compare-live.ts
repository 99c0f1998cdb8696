import { isProven, type ManifestEntity, type RangeEntry, rangeSchema } from '../archive/index.ts'
import type { ConsistentView } from '../contracts/consistent-view.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { scopeFilter } from '../contracts/scope-filter.ts'
import type { KnownRange } from '../contracts/key-range.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { type Decision, KeyImage, reconcile } from '../reconcile/index.ts'
import type { Comparison } from './comparison.ts'
import { EntityTally } from './comparison-tally.ts'
import { createDiffer } from './differ.ts'
import { type EntityShape, seenKeys, seenRecords } from './entity-shape.ts'
import { commonOrder } from './key-comparator.ts'
import { isMapped, isPathOf, stillMapped } from './mapped-entity.ts'
import { matchRecords } from './match-records.ts'
import { mergeRecords } from './merge-records.ts'
import { chosenEntities, erasedIn, type OpenSnapshot, shapeOf } from './open-snapshot.ts'
import type { RecordDifference } from './record-difference.ts'
import { archivedRecords, liveRecords } from './record-source.ts'
import { type ComparisonState, noteErased, runComparison } from './run-comparison.ts'
import { hasSameKey, schemaDifferences, shapeDifferences } from './schema-difference.ts'

export interface CompareLiveOptions extends AbortableOptions {
  readonly snapshot: OpenSnapshot
  readonly stores: ReadonlyMap<string, EntityStore>
  /** `Name` or `store.Name`; default all. */
  readonly entities?: readonly string[] | undefined
}

interface KnownEntry extends KnownRange {
  readonly entry: RangeEntry
}

/**
 * A snapshot and the database as it is now: one consistent view a store, opened when the iteration begins and closed when it ends. Only ranges of which the
 * database cannot say that they are unchanged are read, from both sides. Nothing is stored.
 *
 * @throws `E_ENTITY_UNKNOWN`, `E_STORE_UNKNOWN`, `E_DIALECT`, `E_CONFIG`; while iterating what views and chunks throw
 */
export function compareLive({ snapshot, stores, entities, signal }: CompareLiveOptions): Comparison {
  const { manifest } = snapshot
  const chosen = manifest.entities.filter(chosenEntities([manifest], entities))
  const work = manifest.stores.flatMap(({ name, source }) => {
    const own = chosen.filter(({ descriptor }) => descriptor.store === name)
    return own.length === 0 ? [] : [{ store: liveStore(stores, name, source.dialect), entities: own }]
  })
  const state: ComparisonState = {
    before: manifest.snapshotId,
    after: 'live',
    beforeAt: manifest.times.viewAt,
    afterAt: null,
    schema: [],
    tallies: [],
    erased: [],
  }

  return runComparison(state, async function* () {
    await noteErased(state, [snapshot], chosen, { signal })
    for (const { store, entities: own } of work) {
      const mapped = own.filter((entity) => isMapped(store, entity))
      for (const { descriptor, rows } of own.filter((entity) => !isMapped(store, entity))) {
        state.schema.push({ store: store.name, entity: descriptor.name, kind: 'entity-removed' })
        state.tallies.push(new EntityTally({ store: store.name, entity: descriptor.name, rows: { before: rows, after: null } }))
      }
      if (mapped.length === 0) continue
      // Before the view is open: both take connections.
      const shapes = new Map<ManifestEntity, EntityShape>()
      for (const entity of mapped) shapes.set(entity, await shapeOf(snapshot, entity, { signal }))
      const selection = mapped.map((entity) => ({
        entity: entity.descriptor.name,
        ignore: stillMapped(store, entity),
        sensitive: shapes.get(entity)!.sensitive.filter((path) => isPathOf(store, entity, path)),
        ...scopeFilter(entity.owner, manifest.tenant),
      }))
      const view = await store.openView({ entities: selection, signal })
      try {
        if (state.afterAt === null || view.at > state.afterAt) state.afterAt = view.at
        for (const entity of mapped) yield* compareEntity(snapshot, view, entity, shapes.get(entity)!, state, { signal })
      } finally {
        await view.close()
      }
    }
  })
}

async function* compareEntity(
  snapshot: OpenSnapshot,
  view: ConsistentView,
  entity: ManifestEntity,
  shape: EntityShape,
  state: ComparisonState,
  { signal }: AbortableOptions,
): AsyncGenerator<RecordDifference, void, undefined> {
  const { descriptor, bucket, rows } = entity
  const live = view.entities.find(({ name }) => name === descriptor.name)!
  const tally = new EntityTally({ store: descriptor.store, entity: descriptor.name, rows: { before: rows, after: null } })
  state.tallies.push(tally)
  state.schema.push(...shapeDifferences(shape), ...schemaDifferences(shape.record, live))
  if (!hasSameKey(shape.record, live)) return

  const left = await erasedIn(snapshot, entity, { signal })
  const erased = seenKeys(left, shape)
  const differ = createDiffer({ descriptor: shape.record, sensitive: shape.sensitive }, { descriptor: live, sensitive: shape.sensitive })
  const compare = commonOrder([descriptor, live], view.source.dialect)
  const chunks = await snapshot.chunks(bucket)
  // What the database says of a range holds of the archive's lines, not of what becomes of them.
  const schema = shape.change ? null : rangeSchema(live, view.keyOrder(live.name))
  for (const decision of await decide(view, entity, schema, { signal })) {
    const { from, to } = decision.range
    // Nothing is known of all keys, or of a range that was rewritten.
    const ranges = from === null && to === null ? entity.ranges : entity.ranges.filter((range) => range.from === from)
    if (decision.action === 'reuse') {
      for (const range of ranges) tally.skipRange(range)
      tally.skipRows(decision.known.rows)
      continue
    }
    const sides = {
      before: seenRecords(archivedRecords(chunks, ranges, tally.readRange.bind(tally)), entity, shape, left),
      after: liveRecords(view, live.name, decision.range, tally.readRows.bind(tally)),
      keyFields: live.key.length,
      signal,
    }
    for await (const pair of compare ? mergeRecords({ ...sides, compare }) : matchRecords(sides)) {
      const difference = erased.has(pair.key) ? null : differ(pair)
      if (!difference) continue
      tally.found(difference)
      yield difference
    }
  }
}

/** In key order. All of them are asked for before anything is read: a view may be able to do only one thing at a time. */
async function decide(
  view: ConsistentView,
  entity: ManifestEntity,
  schema: string | null,
  { signal }: AbortableOptions,
): Promise<readonly Decision<KnownEntry>[]> {
  const image = entity.change.schema === schema ? KeyImage.of(knownEntries(entity)) : new KeyImage<KnownEntry>()
  image.retain(isProven)
  const place = new Map([...image.pieces()].map(({ range }, at) => [range.from, at]))
  const decisions: Decision<KnownEntry>[] = []
  for await (const decision of reconcile({ view, entity: entity.descriptor.name, image, parts: 1, exact: true, signal })) decisions.push(decision)
  return decisions.sort((a, b) => place.get(a.range.from)! - place.get(b.range.from)!)
}

function knownEntries({ ranges, change }: ManifestEntity): KnownEntry[] {
  return ranges.map((entry) => {
    const { from, to, rows, sha256, digest } = entry
    return { range: { from, to }, rows, sha256, ...(digest === undefined ? {} : { digest }), evidence: change.evidence[entry.evidence]!, entry }
  })
}

function liveStore(stores: ReadonlyMap<string, EntityStore>, name: string, dialect: string): EntityStore {
  const store = stores.get(name)
  if (!store) throw new HoldfastError('E_STORE_UNKNOWN', `no store "${name}" is configured; there are ${[...stores.keys()].join(', ')}`)
  if (store.dialect === dialect) return store
  throw new HoldfastError('E_DIALECT', `the snapshot of store "${name}" is of ${dialect}, the store is ${store.dialect}`, {
    hint: 'Compare with a database of the same dialect; records keep the exact values of their own.',
  })
}
