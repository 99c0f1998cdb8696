import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { openConnection, type SqliteConnection } from '../connection.ts'
import { makeMemoryFolder, removeScratchFile, scratchPath, sweepScratchFiles } from '../scratch-file.ts'
import { isMemory, type SqliteLocation } from '../view-source.ts'
import { type ItemPlan, STAGE } from './item-plan.ts'

/** The staging database of one restore: a file beside the live one, with a connection that fills it and keeps it locked until it is closed. */
export interface StageFile {
  readonly path: string
  readonly connection: SqliteConnection
  /** A new, empty staging table. */
  prepare(plan: ItemPlan, indexes: readonly string[]): void
  close(): void
}

/** Sweeps what killed restores left, then makes the file. It is no part of anybody's data, so nothing waits for the disk. */
export async function createStageFile(location: SqliteLocation, restoreId: string): Promise<StageFile> {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(restoreId)) throw new HoldfastError('E_CONFIG', `\`restoreId\` names a file; ${JSON.stringify(restoreId)} will not do`)
  const folder = isMemory(location.path) ? makeMemoryFolder(location.driver) : null
  if (!folder) sweepScratchFiles(location.driver, location.path)
  const path = folder ? join(folder, 'memory.stage') : scratchPath(location.path, restoreId, 'stage')
  if (existsSync(path)) throw new HoldfastError('E_STORE_FAILED', `a restore of id ${restoreId} is running on this database already`)
  const remove = () => (folder ? rmSync(folder, { recursive: true, force: true }) : removeScratchFile(path))
  const maker = new location.driver(path)
  let connection: SqliteConnection
  try {
    maker.exec(
      'PRAGMA busy_timeout = 0; PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE IF NOT EXISTS made_by_holdfast (a)',
    )
    connection = await openConnection(location.driver, path)
    connection.exec('PRAGMA synchronous = OFF; PRAGMA locking_mode = NORMAL')
    connection.count('SELECT count(*) FROM sqlite_schema') // from here on the file is locked against a sweep
  } catch (error) {
    remove()
    throw error
  } finally {
    maker.close()
  }
  return {
    path,
    connection,
    prepare({ staged, columns }, indexes) {
      const table = staged.slice(STAGE.length + 1)
      connection.exec(`DROP TABLE IF EXISTS ${table}`)
      // Columns without a type have no affinity: every value stays what it is.
      connection.exec(`CREATE TABLE ${table} (n INTEGER PRIMARY KEY, ${columns.map(({ stage }) => stage).join(', ')})`)
      for (const [at, index] of indexes.entries()) connection.exec(`CREATE INDEX ${table}_${at} ON ${table} (${index})`)
    },
    close() {
      connection.close()
      remove()
    },
  }
}
