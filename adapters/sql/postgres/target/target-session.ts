import { type AbortableOptions, abortError, onAbort, throwIfAborted } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { PostgresClient, PostgresConnection, PostgresConnections } from '../connections.ts'
import { databaseError, sqlState } from '../database-error.ts'
import { queryAll, queryJson, queryText, type TextRow } from '../query.ts'
import { inspectServer, type PostgresServer } from '../server.ts'
import { pinSettings, type SessionSettingOptions } from '../session-settings.ts'
import { runCounted } from './run-counted.ts'

type Values = readonly (string | number | null)[]

/** SQL inside one transaction with pinned settings. */
export interface TargetTransaction {
  readonly client: PostgresClient
  rows(doing: string, sql: string, values?: Values): Promise<readonly TextRow[]>
  /** The answers to several questions (`queryAll`). */
  all(doing: string, questions: readonly (readonly string[])[]): Promise<readonly (readonly TextRow[])[]>
  json<T>(doing: string, sql: string, values?: Values): Promise<T>
  /** Rows that the statement wrote. */
  run(doing: string, sql: string, values?: Values): Promise<number>
}

export interface TransactionOptions extends AbortableOptions {
  /** Behind `BEGIN`. Default `ISOLATION LEVEL READ COMMITTED`. */
  readonly characteristics?: string
  /** What remains. `passing`: committed, without waiting for the disk: what is lost in a crash of the server is of no use after it. Default `commit`. */
  readonly ending?: 'commit' | 'passing' | 'rollback'
  /** Statements that go to the database along with BEGIN, where that is sure to be one round trip less. */
  readonly first?: { readonly doing: string; readonly sql: string }
  /** Only the catalog is read. Its tables are joined by their keys: planning takes longer than running, and the order in which they are written will do. */
  readonly ofCatalog?: boolean
}

/** The one connection of a restore target. Calls queue up: a connection does one thing at a time. */
export interface TargetSession {
  readonly server: PostgresServer
  /** The statements that pin the settings of a transaction. */
  readonly settings: string
  transaction<T>(work: (tx: TargetTransaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Gives the connection back, or closes it where the session could not be left as it was. Safe to call more than once. */
  close(destroy?: boolean): void
}

/** How long an abort waits for a second connection, through which it cancels the running statement; after that the socket is closed. */
const CANCEL_WAIT_MS = 2000

export async function openTargetSession(
  connections: PostgresConnections,
  { signal, ...limits }: AbortableOptions & SessionSettingOptions,
): Promise<TargetSession> {
  const connection = await connections.acquire({ signal }).catch((error: unknown) => Promise.reject(databaseError('connecting to the database', error)))
  try {
    const server = await inspectServer(connection.client)
    return createSession(connections, connection, server, pinSettings(server, limits))
  } catch (error) {
    connection.release(true)
    throw error
  }
}

function createSession(connections: PostgresConnections, connection: PostgresConnection, server: PostgresServer, settings: string): TargetSession {
  const { client } = connection
  /** The process behind the connection, where it is known once and for all. */
  const own = client.processID === server.backendPid ? String(server.backendPid) : null
  let state: 'open' | 'broken' | 'closed' = 'open'
  let last: Promise<unknown> = Promise.resolve()

  const queued = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(() => {
      if (state !== 'open')
        throw new HoldfastError('E_STORE_FAILED', state === 'closed' ? 'the restore target is closed' : 'the connection of the restore target was lost')
      return work()
    })
    last = turn.catch(() => {})
    return turn
  }

  const giveBack = (destroy: boolean) => {
    state = destroy ? 'broken' : 'closed'
    connection.release(destroy)
  }

  const tx: TargetTransaction = {
    client,
    rows: (doing, sql, values) => queryText(client, doing, sql, values),
    all: (doing, questions) => queryAll(client, doing, questions),
    json: (doing, sql, values) => queryJson(client, doing, sql, values),
    run: (doing, sql, values) => runCounted(client, doing, sql, values),
  }

  async function transact<T>(work: (tx: TargetTransaction) => Promise<T>, options: TransactionOptions): Promise<T> {
    const { signal, characteristics = 'ISOLATION LEVEL READ COMMITTED', ending = 'commit', first, ofCatalog = false } = options
    const more = `${ending === 'passing' ? '; SET LOCAL synchronous_commit = off' : ''}${ofCatalog ? '; SET LOCAL join_collapse_limit = 1; SET LOCAL from_collapse_limit = 1' : ''}`
    const begin = `BEGIN ${characteristics}; ${settings}${more}`
    throwIfAborted(signal)
    let cancelling: Promise<void> = Promise.resolve()
    let committing = false
    let forget = () => {}
    const cancelOnAbort = (pid: string) => {
      forget = onAbort(signal, () => {
        cancelling = cancel(connections, pid).catch(() => {
          if (state === 'open') giveBack(true)
        })
      })
    }
    try {
      if (own !== null && first) {
        cancelOnAbort(own)
        await queryText(client, first.doing, `${begin}; ${first.sql}`)
      } else {
        const [row] = await queryText(client, 'beginning a transaction', `${begin}; SELECT pg_backend_pid()::text AS pid`)
        cancelOnAbort(row?.pid ?? '0')
        if (first) await queryText(client, first.doing, first.sql)
      }
      const result = await work(tx)
      throwIfAborted(signal)
      forget() // from here on the outcome is the database's: a commit is not called back
      committing = true
      await queryText(client, 'ending the transaction', ending === 'rollback' ? 'ROLLBACK' : 'COMMIT')
      return result
    } catch (error) {
      forget()
      await cancelling
      if (state === 'open') {
        // An error of the server leaves the connection usable; anything else may have lost it, and then ROLLBACK fails as well.
        await queryText(client, 'rolling back', 'ROLLBACK').catch(() => giveBack(true))
      }
      if (signal?.aborted && !committing) throw abortError(signal)
      if (committing && ending === 'commit' && state !== 'open' && sqlState(error) === undefined) throw outcomeUnknown(error)
      throw error
    }
  }

  return {
    server,
    settings,
    transaction: (work, options = {}) => queued(() => transact(work, options)),
    close(destroy = false) {
      if (state === 'open') giveBack(destroy)
    },
  }
}

/** Cancels what the server process runs, through a second connection. */
async function cancel(connections: PostgresConnections, pid: string): Promise<void> {
  const second = await connections.acquire({ signal: AbortSignal.timeout(CANCEL_WAIT_MS) })
  try {
    await queryText(second.client, 'cancelling the statement', 'SELECT pg_cancel_backend($1)', [pid])
  } finally {
    second.release()
  }
}

function outcomeUnknown(cause: unknown): HoldfastError {
  return new HoldfastError('E_STORE_FAILED', 'the connection was lost during COMMIT: either all of it was committed, or nothing', {
    hint: 'Run the restore again: what was committed is found identical and is not written twice.',
    cause,
  })
}
