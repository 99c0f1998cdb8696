import type { ConsistentView } from '../../../src/contracts/consistent-view.ts'
import type { StoreMapping } from '../../../src/contracts/entity-descriptor.ts'
import type { OpenViewOptions } from '../../../src/contracts/entity-store.ts'
import type { KeyRange } from '../../../src/contracts/key-range.ts'
import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import { paced } from '../../../src/contracts/source-pace.ts'
import { type AbortableOptions, throwIfAborted } from '../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { digestLines, narrowTo, withCursors } from '../cursor-view.ts'
import { describeEntities, type SqliteEntity } from './catalog.ts'
import { checkRange } from './check.ts'
import { databaseError } from './database-error.ts'
import { estimateEntity } from './estimate.ts'
import { entityEvidence } from './evidence.ts'
import { keyOrderName } from './key-order.ts'
import { type MigrationTable, readMigrations } from './migrations.ts'
import { quoteName } from './quote.ts'
import { readBatches } from './read-batches.ts'
import { readSequences } from './sequences.ts'
import { splitKeys } from './split.ts'
import { isMemory, openViewSource, type SqliteLocation, type ViewSource } from './view-source.ts'

export interface ViewOptions extends OpenViewOptions {
  readonly store: string
  readonly mapping: StoreMapping
  readonly location: SqliteLocation
  readonly migrations?: MigrationTable | undefined
}

type ReadOptions = AbortableOptions & { readonly references?: readonly string[] }

/** A view over one connection. The driver is synchronous, so it reads one page after the other and lets the event loop turn in between. */
export async function openSqliteView(options: ViewOptions): Promise<ConsistentView> {
  const { store, mapping, location, signal } = options
  const source = await openViewSource(location, { signal }).catch((error: unknown) => {
    throw databaseError(error, `opening a view of ${location.path}`)
  })
  try {
    return createView(source, options, describeEntities(source.connection, { store, mapping, selection: options.entities }))
  } catch (error) {
    source.close()
    throw databaseError(error, `opening a view of ${location.path}`)
  }
}

function createView(
  source: ViewSource,
  { store, location, migrations, pace, entities: selection }: ViewOptions,
  entities: readonly SqliteEntity[],
): ConsistentView {
  const { connection } = source
  let closed = false
  for (const entity of entities) assertNoNullKeys(source, entity)

  const entityOf = (name: string): SqliteEntity => {
    if (closed) throw new HoldfastError('E_STORE_FAILED', `the view of "${store}" is closed`)
    const entity = entities.find(({ descriptor }) => descriptor.name === name)
    if (entity) return entity
    throw new HoldfastError('E_ENTITY_UNKNOWN', `"${name}" is not in this view; it has ${entities.map(({ descriptor }) => descriptor.name).join(', ')}`)
  }
  /** One short synchronous question. */
  const ask = async <T>(name: string, { signal }: AbortableOptions, question: (entity: SqliteEntity) => T): Promise<T> => {
    throwIfAborted(signal)
    const entity = entityOf(name)
    try {
      return question(entity)
    } catch (error) {
      throw databaseError(error, `reading ${name}`)
    }
  }

  const read = (name: string, range: KeyRange, options: ReadOptions = {}): AsyncIterable<RecordBatch> =>
    paced(readBatches(connection, entityOf(name), range, { ...options, assertOpen: () => void entityOf(name) }), pace, options)

  const view: ConsistentView = {
    store,
    at: connection.value(`SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')`) as string,
    consistency: { level: 'snapshot', method: source.method },
    source: { dialect: 'sqlite', serverVersion: connection.version, database: location.path },
    entities: entities.map(({ descriptor }) => descriptor),
    parallel: 1,
    migrations: readMigrations(connection, migrations),
    estimate: (name, options = {}) => ask(name, options, (entity) => estimateEntity(connection, entity)),
    evidence: (name, options = {}) => ask(name, options, (entity) => entityEvidence(entity, isMemory(location.path) ? null : location.path)),
    keyOrder: (name) => keyOrderName(entityOf(name)),
    split: (name, options) => ask(name, options, (entity) => splitKeys(connection, entity, options.parts)),
    async sequences({ signal } = {}) {
      throwIfAborted(signal)
      return readSequences(connection, entities)
    },
    read,
    async *check(name, known, options = {}) {
      for (const [index, one] of known.entries()) yield await checkRange(index, one, read(name, one.range, options))
    },
    async close() {
      if (closed) return
      closed = true
      source.close()
    },
  }
  return withCursors(view, selection, (name, field, range, _, { signal }) =>
    digestLines(paced(readBatches(connection, narrowTo(entityOf(name), field), range, { signal }), pace, { signal })),
  )
}

/** SQLite lets NULL into a primary key that was not declared NOT NULL. Such a row is in no range, and would silently be missing. */
function assertNoNullKeys({ connection }: ViewSource, { columns, order, table, descriptor }: SqliteEntity): void {
  const nullable = order.map((at) => columns[at]!).filter((column) => column.nullable)
  if (nullable.length === 0) return
  const condition = nullable.map(({ column }) => `${quoteName(column)} IS NULL`).join(' OR ')
  if (connection.count(`SELECT EXISTS (SELECT 1 FROM main.${quoteName(table.name)} WHERE ${condition})`) === 0) return
  throw new HoldfastError('E_MAPPING', `${descriptor.name}: there are rows whose key is NULL, which cannot be told from another`, {
    details: { entity: descriptor.name },
  })
}
