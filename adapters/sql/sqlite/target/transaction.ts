import { type AbortableOptions } from '../../../../src/kernel/abort.ts'
import type { SqliteConnection } from '../connection.ts'
import { quoteText } from '../quote.ts'
import { BUSY_TIMEOUT_MS, whenFree } from '../when-free.ts'
import { STAGE } from './item-plan.ts'

export interface TransactionOptions extends AbortableOptions {
  readonly begin: 'BEGIN' | 'BEGIN IMMEDIATE'
  /** The staging database, which is attached for the transaction. */
  readonly stagePath: string
}

/** A transaction on the lane's own connection. The event loop turns while it is open, so other writers get BUSY, or wait as long as they are set to. */
export async function ownTransaction<T>(connection: SqliteConnection, { begin, stagePath, signal }: TransactionOptions, work: () => Promise<T>): Promise<T> {
  await whenFree(() => attach(connection, stagePath), { signal })
  // Foreign keys can only be switched outside of a transaction. They are checked by us, for the rows that are written.
  connection.exec('PRAGMA foreign_keys = OFF')
  try {
    await whenFree(
      () => {
        if (!connection.database.inTransaction) connection.exec(begin)
        connection.count(`SELECT (SELECT count(*) FROM main.sqlite_schema) + (SELECT count(*) FROM ${STAGE}.sqlite_schema)`)
      },
      { signal },
    )
    // In a rollback-journal mode a large transaction may need the file to itself before it commits. There is no going back to try again then, so here SQLite waits.
    connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
    const result = await work()
    connection.exec('PRAGMA busy_timeout = 0')
    await whenFree(() => connection.exec('COMMIT'), { signal })
    return result
  } catch (error) {
    rollBack(connection)
    throw error
  } finally {
    connection.exec('PRAGMA busy_timeout = 0')
  }
}

/**
 * A transaction on the ORM's connection, in one go: nothing may be awaited from beginning to end. Call it by `outsideTransaction`, so that the application has none open.
 */
export function borrowedTransaction<T>(connection: SqliteConnection, { begin, stagePath }: TransactionOptions, work: () => T): T {
  const foreignKeys = connection.count('PRAGMA foreign_keys')
  attach(connection, stagePath)
  connection.exec('PRAGMA foreign_keys = OFF')
  let ours = false
  try {
    connection.exec(begin)
    ours = true
    const result = work()
    connection.exec('COMMIT')
    return result
  } catch (error) {
    if (ours) rollBack(connection)
    throw error
  } finally {
    connection.exec(`PRAGMA foreign_keys = ${foreignKeys === 1 ? 'ON' : 'OFF'}`)
    connection.exec(`DETACH ${STAGE}`)
  }
}

function attach(connection: SqliteConnection, stagePath: string): void {
  if (connection.count('SELECT count(*) FROM pragma_database_list WHERE name = ?', [STAGE]) > 0) return
  connection.exec(`ATTACH ${quoteText(stagePath)} AS ${STAGE}`)
}

function rollBack(connection: SqliteConnection): void {
  // Some errors, such as a full disk, have rolled back already.
  if (connection.database.inTransaction) connection.exec('ROLLBACK')
}
