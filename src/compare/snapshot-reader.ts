import { type ChunkStore, type Manifest, type ManifestEntity, readRange } from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { EntityOf, EntityReference } from '../plan/entity-reference.ts'
import type { PropertyPath } from '../plan/property-path.ts'
import { createLineParser } from '../record/index.ts'
import { createRecordReader, type RecordReader } from './record-reader.ts'
import { type EntityKey, entityKeyText } from './entity-key.ts'
import { findLine } from './find-line.ts'
import { withCachedIndexes } from './cached-indexes.ts'
import { LineCursor } from './line-cursor.ts'
import { mayMatch } from './may-match.ts'
import { dialectOf, erasedIn, type OpenSnapshot } from './open-snapshot.ts'
import type { SnapshotRecord } from './snapshot-record.ts'
import { compileWhere, type Where } from './where.ts'

export interface ReadOptions<T> extends AbortableOptions {
  /** Property paths of the fields to give; default all. */
  readonly fields?: readonly PropertyPath<T>[]
}

export interface StreamOptions<T> extends ReadOptions<T> {
  /** Which records; default all. */
  readonly where?: Where<T>
}

/** The type behind a class or schema, unless it is given: `stream<Order>('Order')`. A TypeORM schema tells the names of its properties only. */
export type EntityMeant<T, R> = [T] extends [never] ? EntityOf<R> : T

/** A snapshot to read from. Nothing is restored, no database is asked, records that were erased before it was opened are left out; sensitive fields are given as they are, as a restore would write them. */
export interface SnapshotReader {
  readonly manifest: Manifest
  /**
   * The records of an entity in key order, a frame of about 1 MiB in memory at a time. A condition of equality on a foreign key leaves out chunks that cannot
   * hold it, by their key index.
   *
   * @throws while iterating: `E_ENTITY_UNKNOWN`, `E_CONFIG`, `E_ARCHIVE_MISSING`, `E_ARCHIVE_CORRUPT`
   */
  stream<T = never, R extends EntityReference = EntityReference>(
    entity: R,
    options?: NoInfer<StreamOptions<EntityMeant<T, R>>>,
  ): AsyncIterable<SnapshotRecord<EntityMeant<T, R>>>
  /**
   * One record by its key; null when the snapshot does not have it. Reads a key index and one frame where keys are integers or UUIDs of PostgreSQL, and mostly
   * elsewhere; that a key of another kind is absent takes the key indexes of the whole entity, which are kept for the next call.
   *
   * @throws `E_ENTITY_UNKNOWN`, `E_CONFIG` when it is no key of the entity, `E_ARCHIVE_MISSING`, `E_ARCHIVE_CORRUPT`
   */
  findOne<T = never, R extends EntityReference = EntityReference>(
    entity: R,
    key: EntityKey,
    options?: NoInfer<ReadOptions<EntityMeant<T, R>>>,
  ): Promise<SnapshotRecord<EntityMeant<T, R>> | null>
}

/** `find` gives the entity that a reference means; null when the snapshot does not have it. */
export function createSnapshotReader(snapshot: OpenSnapshot, find: (reference: EntityReference) => ManifestEntity | null): SnapshotReader {
  const buckets = new Map<string, Promise<ChunkStore>>()
  const chunksOf = (bucket: string) => {
    const known = buckets.get(bucket) ?? snapshot.chunks(bucket).then(withCachedIndexes)
    buckets.set(bucket, known)
    known.catch(() => buckets.delete(bucket))
    return known
  }
  const entityOf = (reference: EntityReference): ManifestEntity => {
    const entity = find(reference)
    if (entity) return entity
    throw new HoldfastError('E_ENTITY_UNKNOWN', 'the snapshot does not have this entity', {
      hint: `It has ${snapshot.manifest.entities.map(({ descriptor }) => descriptor.name).join(', ')}.`,
    })
  }

  async function* stream(reference: EntityReference, { where = {}, fields, signal }: StreamOptions<unknown> = {}) {
    const entity = entityOf(reference)
    const conditions = compileWhere(entity.descriptor, where)
    const reader = createRecordReader(entity.descriptor, fields, conditions)
    const erased = await erasedIn(snapshot, entity, { signal })
    const chunks = await chunksOf(entity.bucket)
    for (const range of entity.ranges) {
      throwIfAborted(signal)
      if (range.rows === 0 || !(await mayMatch(chunks, range, entity.descriptor, conditions, { signal }))) continue
      yield* readLines(readRange(chunks, range, { signal }), entity, reader, erased, signal)
    }
  }

  async function findOne(reference: EntityReference, key: EntityKey, { fields, signal }: ReadOptions<unknown> = {}) {
    const entity = entityOf(reference)
    const reader = createRecordReader(entity.descriptor, fields, [])
    const text = entityKeyText(entity.descriptor, key)
    if ((await erasedIn(snapshot, entity, { signal })).has(text)) return null
    const line = await findLine({
      entity,
      dialect: dialectOf(snapshot, entity),
      chunks: await chunksOf(entity.bucket),
      key: text,
      signal,
    })
    if (!line) return null
    const bytes = Buffer.concat([line, Buffer.from('\n')])
    return reader(bytes, parserOf(entity).spans(bytes, 0, bytes.byteLength, 1))
  }

  return { manifest: snapshot.manifest, stream, findOne } as SnapshotReader
}

async function* readLines(
  pieces: AsyncIterable<Uint8Array>,
  entity: ManifestEntity,
  reader: RecordReader,
  erased: ReadonlySet<KeyText>,
  signal: AbortSignal | undefined,
) {
  const parser = parserOf(entity)
  const cursor = new LineCursor(pieces, entity.descriptor.key.length)
  let number = 0
  try {
    for (await cursor.load(); !cursor.done;) {
      const { line } = cursor
      const spans = parser.spans(line, 0, line.byteLength, ++number)
      const record = erased.size > 0 && erased.has(cursor.key()) ? null : reader(line, spans)
      if (record) yield record
      if (cursor.step()) continue
      throwIfAborted(signal)
      await cursor.load()
    }
  } finally {
    await cursor.close()
  }
}

function parserOf({ descriptor }: ManifestEntity) {
  return createLineParser({ entity: descriptor.name, fields: descriptor.fields.map(({ path }) => path) })
}
