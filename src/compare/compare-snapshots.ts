import type { ManifestEntity } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { alignRanges } from './align-ranges.ts'
import type { Comparison } from './comparison.ts'
import { EntityTally } from './comparison-tally.ts'
import { createDiffer } from './differ.ts'
import { type EntityShape, isSeenAlike, seenKeys, seenRecords } from './entity-shape.ts'
import { commonOrder } from './key-comparator.ts'
import { matchRecords } from './match-records.ts'
import { mergeRecords } from './merge-records.ts'
import { chosenEntities, dialectOf, erasedIn, idOf, knownShapeOf, type OpenSnapshot, shapeOf } from './open-snapshot.ts'
import type { RecordDifference } from './record-difference.ts'
import { archivedRecords } from './record-source.ts'
import { type ComparisonState, noteErased, runComparison } from './run-comparison.ts'
import { hasSameKey, schemaDifferences, shapeDifferences } from './schema-difference.ts'

export interface CompareSnapshotsOptions extends AbortableOptions {
  readonly before: OpenSnapshot
  readonly after: OpenSnapshot
  /** `Name` or `store.Name`; default all. */
  readonly entities?: readonly string[] | undefined
}

/**
 * Two snapshots, of one repository or of two. Reads only what is not the same in both.
 *
 * @throws `E_ENTITY_UNKNOWN`, `E_CONFIG`; while iterating what reading chunks throws
 */
export function compareSnapshots({ before, after, entities, signal }: CompareSnapshotsOptions): Comparison {
  const chosen = chosenEntities([before.manifest, after.manifest], entities)
  const state: ComparisonState = {
    before: before.manifest.snapshotId,
    after: after.manifest.snapshotId,
    beforeAt: before.manifest.times.viewAt,
    afterAt: after.manifest.times.viewAt,
    schema: [],
    tallies: [],
    erased: [],
  }
  const work: ComparedPair[] = []
  const olds = new Map(before.manifest.entities.filter(chosen).map((entity) => [idOf(entity), entity]))
  for (const now of after.manifest.entities.filter(chosen)) {
    const old = olds.get(idOf(now))
    olds.delete(idOf(now))
    const { store, name: entity } = now.descriptor
    const tally = new EntityTally({ store, entity, rows: { before: old?.rows ?? null, after: now.rows } })
    state.tallies.push(tally)
    if (!old) {
      state.schema.push({ store, entity, kind: 'entity-added' })
      continue
    }
    const [was, is] = [knownShapeOf(before, old), knownShapeOf(after, now)]
    if (was && is) noteSchema(state, was, is)
    work.push({ before: old, after: now, tally, noted: was !== null && is !== null })
  }
  for (const { descriptor, rows } of olds.values()) {
    const { store, name: entity } = descriptor
    state.schema.push({ store, entity, kind: 'entity-removed' })
    state.tallies.push(new EntityTally({ store, entity, rows: { before: rows, after: null } }))
  }

  return runComparison(state, async function* () {
    await noteErased(state, [before, after], [...before.manifest.entities, ...after.manifest.entities].filter(chosen), { signal })
    for (const entity of work) yield* compareEntity(before, after, entity, state, { signal })
  })
}

interface ComparedPair {
  readonly before: ManifestEntity
  readonly after: ManifestEntity
  readonly tally: EntityTally
  /** In what their schemas differ was told before anything was read. */
  readonly noted: boolean
}

function noteSchema({ schema }: ComparisonState, was: EntityShape, is: EntityShape): void {
  schema.push(...shapeDifferences(was, is), ...schemaDifferences(was.record, is.record))
}

async function* compareEntity(
  before: OpenSnapshot,
  after: OpenSnapshot,
  { before: old, after: now, tally, noted }: ComparedPair,
  state: ComparisonState,
  { signal }: AbortableOptions,
): AsyncGenerator<RecordDifference, void, undefined> {
  const [was, is] = [await shapeOf(before, old, { signal }), await shapeOf(after, now, { signal })]
  if (!noted) noteSchema(state, was, is)
  if (!hasSameKey(was.record, is.record)) return
  const compare = commonOrder([old.descriptor, now.descriptor], dialectOf(after, now))
  // Where it is not known how keys stand, their bounds are of one mind only under one schema and one order.
  const ordered = compare !== null || (old.change.schema !== undefined && old.change.schema === now.change.schema)
  const { spans, equal } = alignRanges(old.ranges, now.ranges, ordered, isSeenAlike(was, is))
  for (const range of [...equal.before, ...equal.after]) tally.skipRange(range)
  if (spans.length === 0) return
  const [oldLeft, newLeft] = [await erasedIn(before, old, { signal }), await erasedIn(after, now, { signal })]
  const erased = new Set([...seenKeys(oldLeft, was), ...seenKeys(newLeft, is)])
  const differ = createDiffer({ descriptor: was.record, sensitive: was.sensitive }, { descriptor: is.record, sensitive: is.sensitive })
  const onRead = tally.readRange.bind(tally)
  const [oldChunks, newChunks] = await Promise.all([before.chunks(old.bucket), after.chunks(now.bucket)])
  for (const span of spans) {
    const sides = {
      before: seenRecords(archivedRecords(oldChunks, span.before, onRead), old, was, oldLeft),
      after: seenRecords(archivedRecords(newChunks, span.after, onRead), now, is, newLeft),
      keyFields: is.record.key.length,
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
