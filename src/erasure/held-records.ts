import type { ChunkStore, ErasureEntry, ManifestEntity, RangeEntry } from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { erasedOfSnapshot, type SearchedSnapshot } from './erased-of-snapshot.ts'
import { type ErasedRows, findErased, idOf, type SearchedRows } from './erased-rows.ts'
import { mayHold, namedKeys } from './may-hold.ts'
import { recordLines } from './record-lines.ts'
import { subjectTest } from './subject-test.ts'

/** What a snapshot holds of erased records, whether anybody can read it there or not. */
export interface HeldRecords {
  /** Records that reading leaves out. */
  readonly erased: ErasedRows
  /** Numbers of the entity's ranges with a chunk that has a line of an erased record, also one that a later layer replaced or deleted, or names its key. */
  rangesOf(entity: ManifestEntity): ReadonlySet<number>
  /** Is it the key of an erased record? None of a rewritten snapshot may begin a range. */
  isErased(entity: ManifestEntity, key: KeyText): boolean
}

/** Chunks that were looked at, by name and by all of an entity that entries go by: whether they name a subject. Good for one ledger as it is. */
export type HeldMemory = Map<string, boolean>

interface Place {
  readonly entity: ManifestEntity
  readonly isSubject: ((key: KeyText) => boolean) | null
  /** Numbers of ranges with a chunk that was read. */
  readonly read: Set<number>
}

/**
 * Looks for erased records in the chunks themselves, layer by layer: a line that a delta replaced is not read by anybody, and is there all the same. Null when the snapshot holds nothing.
 * Without entries nothing is read.
 */
export async function heldRecords(snapshot: SearchedSnapshot, memory: HeldMemory, options: AbortableOptions = {}): Promise<HeldRecords | null> {
  const { manifest, chunks, erasures, nameToday } = snapshot
  const entries: ErasureEntry[] = []
  for await (const entry of erasures.list(options)) entries.push(entry)
  if (entries.length === 0) return null
  const today = (entity: ManifestEntity) => nameToday?.(entity) ?? entity.descriptor.name
  const places = manifest.entities.map((entity): Place => {
    const isSubject = subjectTest({ descriptor: entity.descriptor, today: today(entity) }, entries, erasures)
    return { entity, isSubject, read: new Set() }
  })
  const searched = places.map(({ entity, read }) => ({
    descriptor: entity.descriptor,
    today: today(entity),
    async *lines(wanted: SearchedRows, { signal }: AbortableOptions) {
      const store = await chunks(entity.bucket)
      for (const [n, { layers }] of entity.ranges.entries()) {
        for (const layer of layers) {
          const looked = JSON.stringify([layer.name, ...nameOf(entity), entity.descriptor.table, today(entity)])
          const asked = memory.get(looked) === false ? { ...wanted, isSubject: null } : wanted
          if (asked.isSubject === null && asked.references.length === 0) continue
          const may = await mayHold(store, layer, asked, { signal })
          if (wanted.references.length === 0) memory.set(looked, may)
          if (!may) continue
          read.add(n)
          yield* layer.kind === 'base' ? store.read(layer, { signal }) : recordLines(store.read(layer, { signal }))
        }
      }
    },
  }))
  const lines = await findErased(searched, erasures, entries, options)
  const named = new Map(
    places.map(({ entity, isSubject }) => [placeOf(entity), (key: KeyText) => lines.of(...nameOf(entity)).has(key) || isSubject?.(key) === true]),
  )
  const ranges = new Map<string, ReadonlySet<number>>()
  let layered = false
  let bounds = false
  for (const { entity, isSubject, read } of places) {
    throwIfAborted(options.signal)
    const isErased = named.get(placeOf(entity))!
    const held = new Set<number>()
    ranges.set(placeOf(entity), held)
    if (isSubject === null && lines.of(...nameOf(entity)).size === 0) continue
    bounds ||= entity.ranges.some(({ from }) => from !== null && isErased(from))
    const store = await chunks(entity.bucket)
    for (const n of read) {
      const range = entity.ranges[n]!
      if (!(await namesAny(store, range, isErased, options))) continue
      held.add(n)
      layered ||= range.layers.length > 1
    }
  }
  if (!bounds && [...ranges.values()].every(({ size }) => size === 0)) return null
  return {
    // Of one chunk a range, lines and records are the same.
    erased: layered ? await erasedOfSnapshot(snapshot, options) : lines,
    rangesOf: (entity) => ranges.get(placeOf(entity)) ?? new Set(),
    isErased: (entity, key) => named.get(placeOf(entity))?.(key) ?? false,
  }
}

function nameOf({ descriptor: { store, name } }: ManifestEntity): [store: string, name: string] {
  return [store, name]
}

function placeOf(entity: ManifestEntity): string {
  return idOf(...nameOf(entity))
}

async function namesAny(chunks: ChunkStore, { layers }: RangeEntry, wanted: (key: KeyText) => boolean, options: AbortableOptions): Promise<boolean> {
  for (const layer of layers) {
    const index = await chunks.readIndex(layer, options)
    for (const key of namedKeys(layer, index)) if (wanted(key)) return true
  }
  return false
}
