import { quoteLiteral } from '../quote.ts'
import type { TargetStatements } from './target-session.ts'

const lockName = (owner: string): string => quoteLiteral(`holdfast_${owner}`)

/**
 * Says that the restore lives, for as long as its connection does. A lock of the server's, by name, on no table. A connection may hold several.
 *
 * @returns False when another connection has it.
 */
export async function takeRestoreLock(statements: TargetStatements, owner: string): Promise<boolean> {
  const [row] = await statements.rows('taking the lock of the restore', `SELECT GET_LOCK(${lockName(owner)}, 0) AS taken`)
  return row?.taken === '1'
}

export async function releaseRestoreLock(statements: TargetStatements, owner: string): Promise<void> {
  await statements.rows('giving the lock of the restore back', `SELECT RELEASE_LOCK(${lockName(owner)}) AS released`)
}
