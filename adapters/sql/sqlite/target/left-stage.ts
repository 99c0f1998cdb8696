import { ownerOf, type StagedLedger } from '../../staged-ledger.ts'
import { bootId } from '../boot-id.ts'
import { openConnection, type SqliteConnection } from '../connection.ts'
import { claimStage, removeScratchFile, scratchFiles, STAGE_HOLDER } from '../scratch-file.ts'
import type { SqliteLocation } from '../view-source.ts'
import { whenFree } from '../when-free.ts'
import { readLedgers } from './ledger-table.ts'

/** The stage of an interrupted restore, which is of this one now. */
export interface LeftStage {
  readonly path: string
  readonly connection: SqliteConnection
  /** By their tables. */
  readonly ledgers: Map<string, StagedLedger>
}

/** Takes the stage over that an interrupted restore of the same has left. All others that nobody holds are removed. */
export async function takeLeftStage(location: SqliteLocation, restoreId: string, resumes: string): Promise<LeftStage | null> {
  let taken: LeftStage | null = null
  for (const path of scratchFiles(location.path).filter((name) => name.endsWith('.stage'))) {
    try {
      if (!claimStage(location.driver, path, taken ? null : restoreId)) continue
      if (taken) removeScratchFile(path)
      else taken = await openLeft(location, path, restoreId, resumes)
    } catch {
      // It went away meanwhile, or is no database: not ours to judge. The next restore looks again.
    }
  }
  return taken
}

/** Between the claim and this look another may have claimed it, who then has it, or may be about to remove it. */
async function openLeft({ driver }: SqliteLocation, path: string, restoreId: string, resumes: string): Promise<LeftStage | null> {
  const connection = await openConnection(driver, path)
  try {
    connection.exec('PRAGMA synchronous = OFF; PRAGMA locking_mode = NORMAL')
    await whenFree(() => connection.exec('BEGIN IMMEDIATE'))
    const hasHolder = connection.count('SELECT count(*) FROM sqlite_schema WHERE name = ?', [STAGE_HOLDER]) > 0
    const mine = hasHolder && connection.value(`SELECT holder FROM ${STAGE_HOLDER}`) === restoreId
    const ledgers = mine ? readLedgers(connection, bootId() ?? '') : new Map<string, StagedLedger>()
    for (const [table, { owner }] of ledgers) if (owner !== ownerOf(resumes)) ledgers.delete(table)
    if (ledgers.size > 0) {
      connection.exec('COMMIT')
      return { path, connection, ledgers }
    }
    if (mine) connection.exec(`UPDATE ${STAGE_HOLDER} SET holder = NULL`)
    connection.exec('COMMIT')
    connection.close()
    if (mine || !hasHolder) removeScratchFile(path)
    return null
  } catch (error) {
    connection.close()
    throw error
  }
}
