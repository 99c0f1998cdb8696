import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { StagedLedger } from '../../staged-ledger.ts'
import { bootId } from '../boot-id.ts'
import { openConnection, type SqliteConnection } from '../connection.ts'
import { quoteText } from '../quote.ts'
import { makeMemoryFolder, removeScratchFile, scratchPath, STAGE_HOLDER, sweepScratchFiles } from '../scratch-file.ts'
import { isMemory, type SqliteLocation } from '../view-source.ts'
import { type ItemPlan, stagingTable } from './item-plan.ts'
import { CREATE_LEDGERS, forgetLedger, noteLedger } from './ledger-table.ts'
import { takeLeftStage } from './left-stage.ts'

/** The staging database of one restore: a file beside the live one, with a connection that fills it and keeps it locked until it is closed. */
export interface StageFile {
  readonly path: string
  readonly connection: SqliteConnection
  /** What the restore is known by to one that does the same after it was interrupted; null where none may go on with what it stages. */
  readonly resumes: string | null
  /** What an interrupted restore has left in the staging table of that name; null where it has left nothing. Given once. */
  left(table: string): StagedLedger | null
  /** A new, empty staging table. */
  prepare(plan: ItemPlan, indexes: readonly string[]): void
  /** Notes what a table holds, in the transaction that loads it; null where nobody may go on with it. */
  note(table: string, ledger: StagedLedger | null): void
  close(): void
}

/** Sweeps what killed restores left, but for what this one may go on with: that is its own from here on. Else it makes the file. It is no part of anybody's data, so nothing waits for the disk. */
export async function openStageFile(location: SqliteLocation, restoreId: string, resumes: string | null): Promise<StageFile> {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(restoreId)) throw new HoldfastError('E_CONFIG', `\`restoreId\` names a file; ${JSON.stringify(restoreId)} will not do`)
  // With its process a database in memory is gone; without the name of this run of the system nobody can say what of the file will be there after a crash.
  const memory = isMemory(location.path)
  const known = memory || bootId() === null ? null : resumes
  const own = memory ? null : scratchPath(location.path, restoreId, 'stage')
  if (!memory) sweepScratchFiles(location.driver, location.path, () => known === null)
  const found = known === null ? null : await takeLeftStage(location, restoreId, known)
  if (own !== null && own !== found?.path && existsSync(own)) {
    found?.connection.close()
    throw new HoldfastError('E_STORE_FAILED', `a restore of id ${restoreId} is running on this database already`)
  }
  if (found) return stageFile({ ...found, resumes: known, remove: () => removeScratchFile(found.path) })
  const folder = memory ? makeMemoryFolder(location.driver) : null
  const path = own ?? join(folder!, 'memory.stage')
  const remove = () => (folder ? rmSync(folder, { recursive: true, force: true }) : removeScratchFile(path))
  return stageFile({ path, connection: await makeStage(location, path, restoreId, remove), ledgers: new Map(), resumes: known, remove })
}

async function makeStage(location: SqliteLocation, path: string, restoreId: string, remove: () => void): Promise<SqliteConnection> {
  const maker = new location.driver(path)
  try {
    maker.exec('PRAGMA busy_timeout = 0; PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF')
    maker.exec(`BEGIN; CREATE TABLE ${STAGE_HOLDER} (holder TEXT); INSERT INTO ${STAGE_HOLDER} VALUES (${quoteText(restoreId)}); ${CREATE_LEDGERS}; COMMIT`)
    const connection = await openConnection(location.driver, path)
    connection.exec('PRAGMA synchronous = OFF; PRAGMA locking_mode = NORMAL')
    connection.count('SELECT count(*) FROM sqlite_schema') // from here on the file is locked against a sweep
    return connection
  } catch (error) {
    remove()
    throw error
  } finally {
    maker.close()
  }
}

interface StageParts extends Pick<StageFile, 'path' | 'connection' | 'resumes'> {
  readonly ledgers: Map<string, StagedLedger>
  readonly remove: () => void
}

function stageFile({ path, connection, resumes, ledgers, remove }: StageParts): StageFile {
  return {
    path,
    connection,
    resumes,
    left(table) {
      const ledger = ledgers.get(table) ?? null
      ledgers.delete(table)
      return ledger
    },
    prepare(plan, indexes) {
      const table = stagingTable(plan)
      forgetLedger(connection, table)
      connection.exec(`DROP TABLE IF EXISTS ${table}`)
      // Columns without a type have no affinity: every value stays what it is.
      connection.exec(`CREATE TABLE ${table} (n INTEGER PRIMARY KEY, ${plan.columns.map(({ stage }) => stage).join(', ')})`)
      for (const [at, index] of indexes.entries()) connection.exec(`CREATE INDEX ${table}_${at} ON ${table} (${index})`)
    },
    note(table, ledger) {
      const boot = bootId()
      if (ledger && boot !== null) noteLedger(connection, table, boot, ledger)
      else forgetLedger(connection, table)
    },
    close() {
      connection.close()
      remove()
    },
  }
}
