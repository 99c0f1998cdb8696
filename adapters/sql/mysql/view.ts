import type { ConsistentView } from '../../../src/contracts/consistent-view.ts'
import type { StoreMapping } from '../../../src/contracts/entity-descriptor.ts'
import type { EntitySelection } from '../../../src/contracts/entity-store.ts'
import type { KeyRange } from '../../../src/contracts/key-range.ts'
import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import { paced, type SourcePace } from '../../../src/contracts/source-pace.ts'
import { type AbortableOptions, onAbort, throwIfAborted } from '../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { narrowTo, withCursors } from '../cursor-view.ts'
import { describeEntities, type MysqlEntity } from './catalog.ts'
import { checkRanges } from './check.ts'
import type { MysqlConnections } from './connections.ts'
import { digestRange, type RangeDigest } from './digest.ts'
import { BatchDigester, newSeed, seedOf } from './digest-form.ts'
import { estimateEntity } from './estimate.ts'
import { entityEvidence, judgeEvidence } from './evidence.ts'
import { fromSql, keyOrderName, keyOrderSql, rangeCondition } from './key-sql.ts'
import { Lane } from './lane.ts'
import { type MigrationTable, readMigrations } from './migrations.ts'
import { readRows, type RowReading } from './read-rows.ts'
import { RowEncoder } from './row-encoder.ts'
import { columnsSql, textFromColumns } from './row-sql.ts'
import { andScope, withOwnerEntities } from './scope-sql.ts'
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

type ReadOptions = AbortableOptions & { readonly references?: readonly string[]; readonly digests?: boolean }

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
  /** Of all digests that are told from what is read. */
  const seed = newSeed()
  const evidence = new Map(entities.map((entity) => [entity.descriptor.name, entityEvidence(entity, server, snapshot)]))

  const digesterOf = (entity: MysqlEntity) => (textFromColumns(entity) ? new BatchDigester(entity, seed, server.longestText) : null)

  /** The lock on the table has kept every change of schema out; that it really did is seen at the end of each reading. */
  async function assertUnchanged(entity: MysqlEntity): Promise<void> {
    const name = entity.descriptor.name
    const [now] = await describeEntities(session, { ...options, selection: options.selection.filter((selected) => selected.entity === name) })
    if (schemaOf(now) === schemaOf(entity)) return
    throw new HoldfastError('E_SCHEMA_DRIFT', `${entity.schema}.${entity.table} was altered while it was read`, { hint: 'Run again.' })
  }

  async function* read(name: string, range: KeyRange, { signal, references, digests }: ReadOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const entity = entityOf(name)
    const { client, done } = await lane.lend({ signal })
    let reading: RowReading | undefined
    try {
      const encoder = new RowEncoder(entity, { references, ...(digests ? { seed } : {}) })
      const sql = `SELECT ${columnsSql(entity)} ${fromSql(entity)} WHERE ${rangeCondition(entity.key, range)}${andScope(entity)} ORDER BY ${keyOrderSql(entity.key)}`
      reading = readRows({ doing: `reading ${name}`, client, sql, encoder, cancel: () => lane.cancel(), ending: lane.ending, signal })
      yield* paced(reading, options.pace, { signal })
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
      level: withOwnerEntities(entities).every(({ transactional }) => transactional) ? 'snapshot' : 'fuzzy',
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
    keyOrder: (name) => keyOrderName(entityOf(name).key),
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
          read: (range, { signal }) => read(name, range, { signal, digests: true }),
          digester: () => digesterOf(entity),
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
    digester: (name) => digesterOf(entityOf(name)),
    read,
    close: () => lane.close(),
  }
  return withCursors(view, options.selection, (name, field, range, like, call) =>
    digest(narrowTo(entityOf(name), field), range, (like === null ? null : seedOf(like)) ?? newSeed(), call),
  )
}
