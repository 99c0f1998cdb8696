import { createHash } from 'node:crypto'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { PostgresConnections } from '../connections.ts'
import { queryText } from '../query.ts'
import type { TargetSession, TargetTransaction } from './target-session.ts'

/** The number of a restore, beside the class. */
export const lockNumber = (owner: string): number => Number.parseInt(owner.slice(0, 8), 16) | 0

/** What a restore is called where its tables are. */
export function ownerName(restoreId: string): string {
  return createHash('sha256').update(restoreId).digest('hex').slice(0, 32)
}

/** First number of every advisory lock of a restore target: `Hold` in ASCII. The second names the restore; 0 guards the staging schema. */
export const LOCK_CLASS = 0x486f6c64

/** Held as long as a restore lives, whatever becomes of its process. */
export interface RestoreLock {
  /** In the transaction, where one is given. */
  release(tx?: TargetTransaction): Promise<void>
}

/**
 * Takes the lock of a restore. It is a lock of the target's own session, which the transaction may end without; behind a pooler, where a session is nobody's, one of a transaction that stays
 * open on a second connection.
 *
 * @throws `E_SESSION_FENCED` when another session has it; `E_CAPABILITY` behind a pooler with a pool of one connection.
 */
export async function takeRestoreLock(
  tx: TargetTransaction,
  session: TargetSession,
  connections: PostgresConnections,
  restoreId: string,
): Promise<RestoreLock> {
  const number = lockNumber(ownerName(restoreId))
  const lock = session.server.pooled ? await lockByTransaction(session, connections, number) : await lockBySession(tx, session, number)
  if (!lock) throw new HoldfastError('E_SESSION_FENCED', `restore ${restoreId} runs in another session of this database`)
  return lock
}

async function lockBySession(tx: TargetTransaction, session: TargetSession, lock: number): Promise<RestoreLock | null> {
  const [row] = await tx.rows('taking the lock of the restore', `SELECT pg_try_advisory_lock(${LOCK_CLASS}, ${lock})::text AS free`)
  if (row?.free !== 'true') return null
  const giveBack = async (tx: TargetTransaction) =>
    void (await tx.rows('giving the lock of the restore back', `SELECT pg_advisory_unlock(${LOCK_CLASS}, ${lock})`))
  return { release: (tx) => (tx ? giveBack(tx) : session.transaction(giveBack)) }
}

async function lockByTransaction(session: TargetSession, connections: PostgresConnections, lock: number): Promise<RestoreLock | null> {
  if (connections.max < 2) throw new HoldfastError('E_CAPABILITY', 'behind a connection pooler a restore takes two connections, and the pool has one')
  const keeper = await connections.acquire()
  try {
    await queryText(keeper.client, 'beginning a transaction', `BEGIN; ${session.settings}`)
    const [row] = await queryText(keeper.client, 'taking the lock of the restore', `SELECT pg_try_advisory_xact_lock(${LOCK_CLASS}, ${lock})::text AS free`)
    const release = async () => {
      await queryText(keeper.client, 'giving the lock of the restore back', 'ROLLBACK')
      keeper.release()
    }
    if (row?.free === 'true') return { release: () => release().catch(() => keeper.release(true)) }
    await release()
    return null
  } catch (error) {
    keeper.release(true)
    throw error
  }
}
