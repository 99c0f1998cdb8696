import type { SourcePace } from '../../../src/contracts/source-pace.ts'
import { type AbortableOptions, onAbort, throwIfAborted } from '../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { describeEntities, type DescribeOptions, type PostgresEntity } from './catalog.ts'
import type { PostgresClient, PostgresConnection, PostgresConnections } from './connections.ts'
import { withOwnerEntities } from './from-rows.ts'
import { Lanes } from './lanes.ts'
import { queryText } from './query.ts'
import { quoteLiteral, quoteTable } from './quote.ts'
import { inspectServer, type PostgresServer } from './server.ts'
import { DEFAULT_LOCK_TIMEOUT_MS, pinSettings } from './session-settings.ts'
import { readSnapshotFacts, type SnapshotFacts } from './snapshot-facts.ts'

export interface OpenLanesOptions extends AbortableOptions, Omit<DescribeOptions, 'searchPath'> {
  readonly connections: PostgresConnections
  readonly parallel: number
  readonly pace?: SourcePace | undefined
  readonly lockTimeoutMs?: number
}

export interface OpenedLanes {
  readonly lanes: Lanes
  readonly server: PostgresServer
  readonly snapshot: SnapshotFacts
  readonly entities: readonly PostgresEntity[]
}

const BEGIN = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'

/** How long a view waits for one more connection of the application's pool before it does without. */
const PATIENCE_MS = 2000

/**
 * Takes the connections of a view. The order is what makes it right: tables are found, then locked against schema changes and TRUNCATE, and only then
 * comes the first query, which fixes the snapshot. A snapshot taken first would show a table truncated meanwhile as empty, without an error.
 *
 * Workers share the snapshot and take the locks again without waiting: one that had to queue behind an ALTER which itself waits for the keeper
 * would wait for ever, and no deadlock detector sees it.
 */
export async function openLanes(options: OpenLanesOptions): Promise<OpenedLanes> {
  const { connections, signal } = options
  const keeper = await connections.acquire({ signal })
  // The server notices a closed socket when it has got its lock, or given up on it; until then nothing of ours waits.
  let released = false
  const release = (): void => {
    if (released) return
    released = true
    keeper.release(true)
  }
  const stop = onAbort(signal, release)
  try {
    const server = await inspectServer(keeper.client)
    const { entities, snapshot, locks } = await fixSnapshot(keeper.client, server, options)
    const total = server.pooled ? 1 : Math.min(options.parallel + 1, Math.max(1, connections.max - 1))
    const reopen = await workerOpener(keeper.client, server, options, locks, total > 1)
    const workers = await openWorkers(reopen, total - 1, signal)
    if (released) {
      for (const worker of workers) worker.release(true)
      throwIfAborted(signal)
    }
    return { lanes: new Lanes({ keeper, workers, reopen, cancel: () => cancelBackend(connections, server.backendPid) }), server, snapshot, entities }
  } catch (error) {
    release()
    throwIfAborted(signal)
    throw error
  } finally {
    stop()
  }
}

async function fixSnapshot(client: PostgresClient, server: PostgresServer, options: OpenLanesOptions) {
  const { lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS } = options
  const pins = pinSettings(server, { lockTimeoutMs })
  const describe = () => describeEntities(client, { ...options, searchPath: server.searchPath })
  await queryText(client, 'beginning a transaction', `${BEGIN}; ${pins}`)
  const found = await describe()
  assertNothingHidden(found)
  await queryText(client, 'ending a transaction', 'ROLLBACK')

  const locks = withOwnerEntities(found)
    .map(({ schema, table }) => quoteTable(schema, table))
    .join(', ')
  await queryText(client, 'beginning the view', `${BEGIN}; ${pins}`)
  if (locks !== '') await queryText(client, 'locking the tables against schema changes', `LOCK TABLE ${locks} IN ACCESS SHARE MODE`)
  const snapshot = await readSnapshotFacts(client, server)
  const entities = await describe()
  const before = withOwnerEntities(found)
  if (withOwnerEntities(entities).some((entity, place) => entity.oid !== before[place]?.oid)) {
    throw new HoldfastError('E_STORE_FAILED', 'a table was replaced by another of its name while the view was being opened')
  }
  assertNothingHidden(entities)
  return { entities, snapshot, locks }
}

function assertNothingHidden(entities: readonly PostgresEntity[]): void {
  const hidden = withOwnerEntities(entities)
    .filter((entity) => entity.hidden)
    .map(({ schema, table }) => `${schema}.${table}`)
  if (hidden.length > 0)
    throw new HoldfastError('E_HIDDEN_ROWS', `row-level security hides rows of ${hidden.join(', ')} from this role`, { details: { tables: hidden } })
}

type OpenWorker = (options: AbortableOptions) => Promise<PostgresConnection | null>

async function workerOpener(keeper: PostgresClient, server: PostgresServer, options: OpenLanesOptions, locks: string, wanted: boolean): Promise<OpenWorker> {
  if (!wanted) return () => Promise.resolve(null)
  const [row] = await queryText(keeper, 'exporting the snapshot', 'SELECT pg_export_snapshot() AS id')
  const lock = locks === '' ? '' : `; LOCK TABLE ${locks} IN ACCESS SHARE MODE NOWAIT`
  const sql = `${BEGIN}; ${pinSettings(server)}; SET TRANSACTION SNAPSHOT ${quoteLiteral(row?.id ?? '')}${lock}`
  return async ({ signal }) => {
    const patience = AbortSignal.timeout(PATIENCE_MS)
    const worker = await options.connections.acquire({ signal: signal ? AbortSignal.any([signal, patience]) : patience }).catch(() => null)
    if (!worker) return null
    try {
      await queryText(worker.client, 'joining the snapshot', sql)
      return worker
    } catch {
      // A lock that is not to be had at once, or another server behind the same pool: the view's `parallel` says what it got.
      worker.release(true)
      return null
    }
  }
}

async function openWorkers(open: OpenWorker, count: number, signal: AbortSignal | undefined): Promise<readonly PostgresConnection[]> {
  const opened = await Promise.all(Array.from({ length: count }, () => open({ signal })))
  return opened.filter((worker) => worker !== null)
}

/** Through a connection of its own, for the moment that it takes. When none is to be had, the statement runs to its end. */
async function cancelBackend(connections: PostgresConnections, pid: number): Promise<void> {
  const connection = await connections.acquire({ signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null)
  if (!connection) return
  const reached = await queryText(connection.client, 'cancelling a statement', 'SELECT pg_cancel_backend($1)', [pid]).then(
    () => true,
    () => false,
  )
  connection.release(!reached)
}
