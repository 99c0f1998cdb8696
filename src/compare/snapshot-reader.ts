import { type ChunkStore, type Manifest, type ManifestEntity, withCachedIndexes } from '../archive/index.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { EntityKey } from '../contracts/entity-key.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { SchemaOutcome } from '../evolution/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { EntityOf, EntityReference } from '../plan/entity-reference.ts'
import type { PropertyPath } from '../plan/property-path.ts'
import { createLineParser } from '../record/index.ts'
import { createRecordReader, type RecordReader } from './record-reader.ts'
import { entityKeyText } from './entity-key.ts'
import { findLine } from './find-line.ts'
import { LineCursor } from './line-cursor.ts'
import { mayMatch } from './may-match.ts'
import { type EntityShape, seenLine, seenRecords } from './entity-shape.ts'
import { dialectOf, erasedIn, type OpenSnapshot, shapeOf } from './open-snapshot.ts'
import { archivedRecords } from './record-source.ts'
import type { SnapshotRecord } from './snapshot-record.ts'
import type { Where } from './typed-where.ts'
import { compileWhere, type CompiledCondition } from './where.ts'

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

/**
 * A snapshot to read from. Nothing is restored, records that were erased before it was opened are left out; sensitive fields are given as they are, as a restore would write them. Entities and properties have their names of
 * today; where an up-caster applies, records are what it makes of them, and the columns of today are asked of the database. No database is asked otherwise.
 */
export interface SnapshotReader {
  /** As it was stored: with the names that entities and properties had. */
  readonly manifest: Manifest
  /** In what the snapshot differs from today's entities, by their declaration. A property that was added is in no record, unless an up-caster gives it; one that was removed is in all, unless one applies. */
  readonly schema: readonly SchemaOutcome[]
  /**
   * The records of an entity in key order, a frame of about 1 MiB in memory at a time. A condition of equality on a foreign key leaves out chunks that cannot
   * hold it, by their key index.
   *
   * @throws while iterating: `E_ENTITY_UNKNOWN`, `E_CONFIG`, `E_ARCHIVE_MISSING`, `E_ARCHIVE_CORRUPT`; where an up-caster applies `E_RECORD`, `E_SCHEMA_DRIFT`, `E_DIALECT`, `E_STORE_FAILED`
   */
  stream<T = never, R extends EntityReference = EntityReference>(
    entity: R,
    options?: NoInfer<StreamOptions<EntityMeant<T, R>>>,
  ): AsyncIterable<SnapshotRecord<EntityMeant<T, R>>>
  /**
   * One record by its key; null when the snapshot does not have it. Reads a key index and one frame where keys are integers or UUIDs of PostgreSQL, and mostly
   * elsewhere; that a key of another kind is absent takes the key indexes of the whole entity, which are kept for the next call.
   *
   * @throws `E_ENTITY_UNKNOWN`, `E_CONFIG` when it is no key of the entity, `E_ARCHIVE_MISSING`, `E_ARCHIVE_CORRUPT`; where an up-caster applies as `stream`
   */
  findOne<T = never, R extends EntityReference = EntityReference>(
    entity: R,
    key: EntityKey,
    options?: NoInfer<ReadOptions<EntityMeant<T, R>>>,
  ): Promise<SnapshotRecord<EntityMeant<T, R>> | null>
}

/**
 * `find` gives the entity that a reference means; null when the snapshot does not have it. The last says what the reader tells of the snapshot. Default: its manifest, and no difference.
 */
export function createSnapshotReader(
  snapshot: OpenSnapshot,
  find: (reference: EntityReference) => ManifestEntity | null,
  { manifest = snapshot.manifest, schema = [] }: Partial<Pick<SnapshotReader, 'manifest' | 'schema'>> = {},
): SnapshotReader {
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
    const shape = await shapeOf(snapshot, entity, { signal })
    const conditions = compileWhere(shape.record, where)
    const reader = createRecordReader(shape.record, fields, conditions)
    const erased = await erasedIn(snapshot, entity, { signal })
    const chunks = await chunksOf(entity.bucket)
    const indexed = archivedConditions(conditions, shape)
    for (const range of entity.ranges) {
      throwIfAborted(signal)
      if (range.rows === 0 || !(await mayMatch(chunks, range, entity.descriptor, indexed, { signal }))) continue
      const lines = seenRecords(archivedRecords(chunks, [range]), entity, shape, erased).open({ signal })
      yield* readLines(lines, shape.record, reader, shape.change ? NONE : erased, signal)
    }
  }

  async function findOne(reference: EntityReference, key: EntityKey, { fields, signal }: ReadOptions<unknown> = {}) {
    const entity = entityOf(reference)
    const shape = await shapeOf(snapshot, entity, { signal })
    const reader = createRecordReader(shape.record, fields, [])
    const text = entityKeyText(shape.stored, key)
    if ((await erasedIn(snapshot, entity, { signal })).has(text)) return null
    const line = await findLine({
      entity,
      dialect: dialectOf(snapshot, entity),
      chunks: await chunksOf(entity.bucket),
      key: text,
      signal,
    })
    if (!line) return null
    const seen = await seenLine(Buffer.concat([line, Buffer.from('\n')]), shape)
    const bytes = Buffer.from(seen.buffer, seen.byteOffset, seen.byteLength)
    return reader(bytes, parserOf(shape.record).spans(bytes, 0, bytes.byteLength, 1))
  }

  return { manifest, schema, stream, findOne } as SnapshotReader
}

const NONE: ReadonlySet<KeyText> = new Set()

/** Conditions that key indexes can be held against: they know the values of the archive under its own paths. */
function archivedConditions(conditions: readonly CompiledCondition[], { change }: EntityShape): readonly CompiledCondition[] {
  if (!change) return conditions
  if (change.upcasters.length > 0) return []
  return conditions.map((condition) => ({ ...condition, field: change.archivedPaths.get(condition.field) ?? condition.field }))
}

async function* readLines(
  pieces: AsyncIterable<Uint8Array>,
  record: EntityDescriptor,
  reader: RecordReader,
  erased: ReadonlySet<KeyText>,
  signal: AbortSignal | undefined,
) {
  const parser = parserOf(record)
  const cursor = new LineCursor(pieces, record.key.length)
  let number = 0
  try {
    for (await cursor.load(); !cursor.done;) {
      const { line } = cursor
      const spans = parser.spans(line, 0, line.byteLength, ++number)
      const found = erased.size > 0 && erased.has(cursor.key()) ? null : reader(line, spans)
      if (found) yield found
      if (cursor.step()) continue
      throwIfAborted(signal)
      await cursor.load()
    }
  } finally {
    await cursor.close()
  }
}

function parserOf({ name, fields }: EntityDescriptor) {
  return createLineParser({ entity: name, fields: fields.map(({ path }) => path) })
}
