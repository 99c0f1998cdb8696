import type { ConsistentView } from '../../../src/contracts/consistent-view.ts'
import type { StoreMapping } from '../../../src/contracts/entity-descriptor.ts'
import type { EntitySelection } from '../../../src/contracts/entity-store.ts'
import type { KeyRange, KeyText } from '../../../src/contracts/key-range.ts'
import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import { paced, type SourcePace } from '../../../src/contracts/source-pace.ts'
import { type AbortableOptions, onAbort, throwIfAborted } from '../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { createKeyTextReader } from '../../../src/record/key-text.ts'
import { narrowTo, withCursors } from '../cursor-view.ts'
import { describeEntities, type MysqlEntity } from './catalog.ts'
import { checkRanges } from './check.ts'
import type { MysqlConnections } from './connections.ts'
import { digestRange, newSeed, type RangeDigest, seedOf } from './digest.ts'
import { estimateEntity } from './estimate.ts'
import { entityEvidence, judgeEvidence } from './evidence.ts'
import { fromSql, keyOrderSql, rangeCondition } from './key-sql.ts'
import { Lane } from './lane.ts'
import { LineBatches } from './line-batches.ts'
import { lineSql } from './line-sql.ts'
import { type MigrationTable, readMigrations } from './migrations.ts'
import { readRows, type RowReading } from './read-rows.ts'
import { columnsSql, createRowEncoder } from './row-encoder.ts'
import { readSequences } from './sequences.ts'
import { type MysqlSession, openSession } from './session.ts'
import { type FixedSnapshot, fixSnapshot, schemaOf } from './snapshot.ts'
import { splitKeys } from './split.ts'

export interface OpenMysqlViewOptions extends AbortableOptions {
  readonly store: string
  readonly mapping: StoreMapping
  readonly connections: MysqlConnections
  readonly selection: readonly EntitySelection[]
  readonly migrations?: MigrationTable | undefined
  readonly lockTimeoutMs?: number | undefined
  readonly pace?: SourcePace | undefined
}

/**
 * Opens a view: one REPEATABLE READ transaction on one connection of the ORM's pool, since these databases cannot share a snapshot. A call waits while a
 * `read` runs. One more connection is borrowed for a moment to cancel a statement that is no longer wanted.
 */
export async function openMysqlView(options: OpenMysqlViewOptions): Promise<ConsistentView> {
  const { connections, lockTimeoutMs, signal } = options
  const session = await openSession(connections, { lockTimeoutMs, signal })
  // A table lock may be long in coming; the server notices a closed socket when it has got it, or given up.
  const stop = onAbort(signal, () => void session.release(true))
  try {
    const fixed = await fixSnapshot(session, options)
    const migrations = await readMigrations(session, options.migrations)
    throwIfAborted(signal)
    return createView(session, fixed, migrations, options)
  } catch (error) {
    await session.release(true)
    throwIfAborted(signal)
    throw error
  } finally {
    stop()
  }
}

type ReadOptions = AbortableOptions & { readonly references?: readonly string[] }

function createView(
  session: MysqlSession,
  { entities, snapshot }: FixedSnapshot,
  migrations: readonly string[],
  options: OpenMysqlViewOptions,
): ConsistentView {
  const { server } = session
  const lane = new Lane(session, options.connections)
  const byName = new Map(entities.map((entity) => [entity.descriptor.name, entity]))
  const entityOf = (name: string): MysqlEntity => {
    const entity = byName.get(name)
    if (!entity) throw new HoldfastError('E_ENTITY_UNKNOWN', `${name} is not in this view, which has ${[...byName.keys()].join(', ')}`)
    return entity
  }
  const evidence = new Map(entities.map((entity) => [entity.descriptor.name, entityEvidence(entity, server, snapshot)]))

  /** The lock on the table has kept every change of schema out; that it really did is seen at the end of each reading. */
  async function assertUnchanged(entity: MysqlEntity): Promise<void> {
    const name = entity.descriptor.name
    const [now] = await describeEntities(session, { ...options, selection: options.selection.filter((selected) => selected.entity === name) })
    if (schemaOf(now) === schemaOf(entity)) return
    throw new HoldfastError('E_SCHEMA_DRIFT', `${entity.schema}.${entity.table} was altered while it was read`, { hint: 'Run again.' })
  }

  async function* read(name: string, range: KeyRange, { signal, references }: ReadOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const entity = entityOf(name)
    const { client, done } = await lane.lend({ signal })
    let reading: RowReading | undefined
    const begin = (select: string, lineOf: Parameters<typeof readRows>[0]['lineOf'], after?: KeyText): RowReading => {
      const sql = `SELECT ${select} ${fromSql(entity)} WHERE ${rangeCondition(entity.key, range, { after })} ORDER BY ${keyOrderSql(entity.key)}`
      const lines = new LineBatches(entity, references)
      return readRows({ doing: `reading ${name}`, client, sql, lines, lineOf, cancel: () => lane.cancel(), ending: lane.ending, signal })
    }
    const lastKey = createLastKey(entity.key.length)
    try {
      reading = begin(lineSql(entity), ([line]) => line ?? null)
      let last: KeyText | undefined
      for await (const batch of paced(reading, options.pace, { signal })) {
        last = lastKey(batch)
        yield batch
      }
      if (reading.refused) {
        reading = begin(columnsSql(entity), createRowEncoder(entity), last)
        yield* paced(reading, options.pace, { signal })
      }
      await assertUnchanged(entity)
    } finally {
      await done(reading?.usable ?? true)
    }
  }

  /** Reads nothing out, but makes the server read as much: so it heeds what the pace says of the server, and is no part of a rate. */
  async function digest(entity: MysqlEntity, range: KeyRange, seed: string, call: AbortableOptions): Promise<RangeDigest> {
    await options.pace?.ready(call)
    return lane.run((client) => digestRange(client, entity, range, seed), call)
  }

  const view: ConsistentView = {
    store: options.store,
    at: snapshot.at,
    consistency: {
      level: entities.every(({ transactional }) => transactional) ? 'snapshot' : 'fuzzy',
      method: 'consistent-snapshot',
      ...(snapshot.binlog ? { point: `${snapshot.binlog.file}:${snapshot.binlog.position}` } : {}),
    },
    source: { dialect: 'mysql', serverVersion: server.versionText, database: server.database, systemId: server.systemId },
    entities: entities.map(({ descriptor }) => descriptor),
    parallel: 1,
    migrations,
    async estimate(name, call = {}) {
      const entity = entityOf(name)
      return lane.run((client) => estimateEntity(client, entity), call)
    },
    async sequences(call = {}) {
      return lane.run((client) => readSequences(client, entities), call)
    },
    async evidence(name, call = {}) {
      throwIfAborted(call.signal)
      entityOf(name)
      return evidence.get(name)!
    },
    keyOrder(name) {
      return entityOf(name)
        .key.map(({ column, fullType, collation }) => `${column} ${fullType} ${collation ?? ''}`)
        .join(', ')
    },
    async split(name, { parts, signal }) {
      const entity = entityOf(name)
      return lane.run((client) => splitKeys(client, entity, parts), { signal })
    },
    check(name, known, call = {}) {
      const entity = entityOf(name)
      const now = evidence.get(name)!
      return checkRanges(
        {
          judge: (old) => judgeEvidence(old, now),
          digest: (range, seed, { signal }) => digest(entity, range, seed, { signal }),
          read: (range, { signal }) => read(name, range, { signal }),
        },
        known,
        call,
      )
    },
    async digests(name, ranges, call = {}) {
      const entity = entityOf(name)
      const digests: string[] = []
      for (const range of ranges) digests.push((await digest(entity, range, newSeed(), call)).digest)
      return digests
    },
    read,
    close: () => lane.close(),
  }
  return withCursors(view, options.selection, (name, field, range, like, call) =>
    digest(narrowTo(entityOf(name), field), range, (like === null ? null : seedOf(like)) ?? newSeed(), call),
  )
}

/** The key of the last line of a batch. */
function createLastKey(keyFields: number): (batch: RecordBatch) => KeyText {
  const keyText = createKeyTextReader(keyFields)
  return ({ bytes, marks, stride, rows }) => keyText(bytes, rows === 1 ? 0 : marks[(rows - 2) * stride]!, marks[(rows - 1) * stride + 1]!)
}
