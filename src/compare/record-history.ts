import type { Manifest } from '../archive/index.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { createDiffer, type RecordSide } from './differ.ts'
import { type EntityShape, seenLine } from './entity-shape.ts'
import { findLine, type RangeMemory } from './find-line.ts'
import { dialectOf, entityId, erasedIn, idOf, type OpenSnapshot, shapeOf } from './open-snapshot.ts'
import type { FieldDifference } from './record-difference.ts'
import { hasSameKey } from './schema-difference.ts'

/** A snapshot in which one record is not what it was in the snapshot before. */
export interface RecordVersion {
  readonly snapshotId: string
  /** ISO time of the state that the snapshot holds, by the database's clock. */
  readonly viewAt: string
  /** The snapshot before it that has the entity; null for the oldest one. */
  readonly previous: string | null
  readonly change: 'appeared' | 'changed' | 'disappeared'
  /** Of a record that appeared or disappeared all fields, of one that changed those that did. Sensitive values are `"•••"`. */
  readonly fields: readonly FieldDifference[]
}

export interface RecordHistoryOptions extends AbortableOptions {
  readonly store: string
  readonly entity: string
  /** The key in the archive, of records that hold `stored`. */
  readonly keyOf: (stored: EntityDescriptor) => KeyText
  /** In the order wanted: oldest first, or newest first. Asked for one after the other. */
  readonly snapshots: AsyncIterable<OpenSnapshot>
  readonly order: 'oldest-first' | 'newest-first'
}

/** The record in one snapshot. */
interface RecordState {
  readonly manifest: Manifest
  readonly shape: EntityShape
  /** Of today. */
  readonly key: KeyText
  /** As it is seen, with its 0x0A. */
  readonly line: Uint8Array | null
}

/**
 * The life of one record. Of each snapshot only ranges are looked at that no snapshot before had, and of these only where the key may be: mostly an index and one
 * frame.
 */
export async function* recordHistory(options: RecordHistoryOptions): AsyncGenerator<RecordVersion, void, undefined> {
  const newestFirst = options.order === 'newest-first'
  let last: RecordState | null = null
  for await (const state of statesOf(options)) {
    const version = newestFirst ? last && versionOf(state, last) : versionOf(last, state)
    last = state
    if (version) yield version
  }
  const oldest = newestFirst && last ? versionOf(null, last) : null
  if (oldest) yield oldest
}

async function* statesOf({ store, entity: name, keyOf, snapshots, signal }: RecordHistoryOptions): AsyncGenerator<RecordState, void, undefined> {
  const memory: RangeMemory = new Map()
  let known: KeyText | null = null
  for await (const snapshot of snapshots) {
    const { manifest, chunks } = snapshot
    throwIfAborted(signal)
    const entity = manifest.entities.find((candidate) => idOf(candidate) === entityId(store, name))
    if (!entity) continue
    const shape = await shapeOf(snapshot, entity, { signal })
    const key = keyOf(shape.stored)
    // Ranges are remembered by what they hold, and hold nothing of a key that is spelt in another way.
    if (known !== null && known !== key) memory.clear()
    known = key
    const left = await erasedIn(snapshot, entity, { signal })
    const line: Uint8Array | null = left.has(key)
      ? null
      : await findLine({ entity, dialect: dialectOf(snapshot, entity), chunks: await chunks(entity.bucket), key, memory, signal })
    yield { manifest, shape, key: shape.change?.key(key) ?? key, line: line && (await seenLine(withBreak(line), shape)) }
  }
}

/** Null when the record is as it was, or was not there and is not. */
function versionOf(before: RecordState | null, now: RecordState): RecordVersion | null {
  const { manifest, shape } = now
  const previous = before?.shape ?? shape
  // Under another key it is another record.
  const was = before && hasSameKey(previous.record, shape.record) ? before.line : null
  const is = now.line
  if (was === null && is === null) return null
  const of = { snapshotId: manifest.snapshotId, viewAt: manifest.times.viewAt, previous: before?.manifest.snapshotId ?? null }
  const difference = createDiffer(sideOf(previous), sideOf(shape))({ key: now.key, before: was, after: is })
  if (!difference) return null
  const change = ({ added: 'appeared', changed: 'changed', removed: 'disappeared' } as const)[difference.change]
  return { ...of, change, fields: difference.fields }
}

function sideOf({ record, sensitive }: EntityShape): RecordSide {
  return { descriptor: record, sensitive }
}

function withBreak(line: Uint8Array): Uint8Array {
  return Buffer.concat([line, Buffer.from('\n')])
}
