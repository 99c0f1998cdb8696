import { type AbortableOptions, abortError, onAbort, throwIfAborted } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { MysqlClient, MysqlConnections } from '../connections.ts'
import { sqlState } from '../database-error.ts'
import { execute, queryText, type TextRow } from '../query.ts'
import type { MysqlServer } from '../server.ts'
import { type MysqlSession, openSession } from '../session.ts'
import { restoreError } from './restore-error.ts'

/** SQL on the connection of a restore target. */
export interface TargetStatements {
  readonly client: MysqlClient
  rows(doing: string, sql: string): Promise<readonly TextRow[]>
  /** Rows that the statement wrote. */
  run(doing: string, sql: string): Promise<number>
}

export interface TransactionOptions extends AbortableOptions {
  readonly isolation: 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE'
}

/** The one connection of a restore target. Calls queue up: a connection does one thing at a time. */
export interface TargetSession extends Pick<MysqlSession, 'server'> {
  /** For `describeEntities`, inside of `statements` or `transaction`. */
  readonly session: MysqlSession
  /** Statements that commit one by one. */
  statements<T>(work: (statements: TargetStatements) => Promise<T>, options?: AbortableOptions): Promise<T>
  /** Commits what `work` did, or rolls all of it back. DDL would commit it half done. */
  transaction<T>(work: (statements: TargetStatements) => Promise<T>, options: TransactionOptions): Promise<T>
  /** Gives the connection back as it was, or closes it. Safe to call more than once; never rejects. */
  close(destroy?: boolean): Promise<void>
}

/** How long an abort waits for a second connection, through which it cancels the running statement; after that the connection is closed. */
const CANCEL_WAIT_MS = 2000

/**
 * Foreign keys are checked by query, for the rows that are written: the server's own checks look at each row at once, and cascade. The rest undoes what an
 * application may have set against writes like ours. Warnings are kept for what LOAD DATA has to say.
 */
const settings = ({ flavour }: MysqlServer): Readonly<Record<string, string>> => ({
  autocommit: '1',
  completion_type: '0',
  foreign_key_checks: '0',
  unique_checks: '1',
  sql_safe_updates: '0',
  max_join_size: '18446744073709551615',
  sql_notes: '1',
  // MySQL lets only administrators set how many warnings are kept.
  ...(flavour === 'mariadb' ? { max_error_count: '64', check_constraint_checks: '1' } : {}),
})

export async function openTargetSession(
  connections: MysqlConnections,
  options: AbortableOptions & { readonly lockTimeoutMs?: number | undefined },
): Promise<TargetSession> {
  return createSession(connections, await openSession(connections, { ...options, settings }))
}

function createSession(connections: MysqlConnections, session: MysqlSession): TargetSession {
  const { client, server } = session
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
  /** A client that is closed from this side answers nobody any more: whoever waits for it hears it from here. */
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {})
  const giveBack = async (destroy: boolean): Promise<void> => {
    state = destroy ? 'broken' : 'closed'
    await session.release(destroy)
    if (destroy) broken.reject(new HoldfastError('E_STORE_FAILED', 'the connection of the restore target was closed'))
  }
  const statements: TargetStatements = {
    client,
    rows: (doing, sql) => queryText(client, doing, sql).catch((error: unknown) => Promise.reject(restoreError(doing, error))),
    run: (doing, sql) => execute(client, doing, sql).catch((error: unknown) => Promise.reject(restoreError(doing, error))),
  }

  async function perform<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    throwIfAborted(signal)
    let cancelling: Promise<void> = Promise.resolve()
    const forget = onAbort(signal, () => {
      cancelling = cancel(connections, server.connectionId).catch(() => giveBack(true))
    })
    try {
      const working = work()
      working.catch(() => {})
      return await Promise.race([working, broken.promise])
    } catch (error) {
      forget()
      await cancelling
      // An error of the server leaves the connection usable; anything else may have lost it, and then ROLLBACK fails as well.
      if (state === 'open') await statements.rows('rolling back', 'ROLLBACK').catch(() => giveBack(true))
      if (signal?.aborted) throw abortError(signal)
      throw error
    } finally {
      forget()
      await cancelling
    }
  }

  async function transact<T>(work: (statements: TargetStatements) => Promise<T>, { isolation, signal }: TransactionOptions): Promise<T> {
    const result = await perform(async () => {
      await statements.rows('choosing the isolation level', `SET TRANSACTION ISOLATION LEVEL ${isolation}`)
      await statements.rows('beginning a transaction', 'START TRANSACTION')
      const done = await work(statements)
      throwIfAborted(signal)
      return done
    }, signal)
    // From here on the outcome is the database's: a commit is not called back.
    try {
      await statements.rows('committing', 'COMMIT')
    } catch (error) {
      if (sqlState(error) !== undefined) throw error
      await giveBack(true)
      throw outcomeUnknown(error)
    }
    return result
  }

  return {
    server,
    session,
    statements: (work, { signal } = {}) => queued(() => perform(() => work(statements), signal)),
    transaction: (work, options) => queued(() => transact(work, options)),
    async close(destroy = false) {
      if (state === 'open') await giveBack(destroy)
    },
  }
}

/** Has the server give up what the connection runs, through another. */
async function cancel(connections: MysqlConnections, connectionId: string): Promise<void> {
  const second = await connections.acquire({ signal: AbortSignal.timeout(CANCEL_WAIT_MS) })
  const reached = await queryText(second.client, 'cancelling a statement', `KILL QUERY ${connectionId}`).then(
    () => true,
    () => false,
  )
  second.release(!reached)
  if (!reached) throw new HoldfastError('E_STORE_FAILED', 'the statement could not be cancelled')
}

function outcomeUnknown(cause: unknown): HoldfastError {
  return new HoldfastError('E_STORE_FAILED', 'the connection was lost during COMMIT: either all of it was committed, or nothing', {
    hint: 'Run the restore again: what was committed is found identical and is not written twice.',
    cause,
  })
}
