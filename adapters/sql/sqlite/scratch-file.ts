import { mkdtempSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { SqliteDriver } from './driver.ts'

/**
 * Databases of our own that stand beside the application's: a copy that a view reads, and the staging area of a restore. Their maker keeps each of them
 * locked for as long as it is used (an open read, or an open connection in WAL mode), and a lock dies with its process. So whoever finds such a file
 * and gets it for himself alone knows that its maker is gone.
 */
export function scratchPath(database: string, id: string, kind: 'copy' | 'stage'): string {
  return `${database}.holdfast-${id}.${kind}`
}

/** A file that young may not be locked yet. */
const YOUNG_MS = 5000

/** Deletes what killed processes left beside the database. Whatever cannot be judged stays. */
export function sweepScratchFiles(driver: SqliteDriver, database: string): void {
  const folder = dirname(database)
  const prefix = `${basename(database)}.holdfast-`
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix) || !/\.(copy|stage)$/.test(name)) continue
    const path = join(folder, name)
    try {
      if (isAbandoned(driver, path)) removeScratchFile(path)
    } catch {
      // It went away meanwhile, or is no database: not ours to judge. The next restore or backup looks again.
    }
  }
}

/** In the system's folder for temporary files: a database in memory has none to put its scratch files beside. */
const MEMORY_FOLDER = 'holdfast-memory-'
const MEMORY_FILE = /^memory\.(copy|stage)$/
const BESIDE_IT = /^memory\.(copy|stage)-(journal|wal|shm)$/

/** A new folder for one scratch file of a database in memory; those of killed processes are deleted on the way. */
export function makeMemoryFolder(driver: SqliteDriver): string {
  sweepMemoryFolders(driver)
  return mkdtempSync(join(tmpdir(), MEMORY_FOLDER))
}

function sweepMemoryFolders(driver: SqliteDriver): void {
  for (const entry of readdirSync(tmpdir(), { withFileTypes: true })) {
    if (!entry.isDirectory() || !entry.name.startsWith(MEMORY_FOLDER)) continue
    try {
      sweepMemoryFolder(driver, join(tmpdir(), entry.name))
    } catch {
      // Another user's, or it went away meanwhile: not ours to judge.
    }
  }
}

function sweepMemoryFolder(driver: SqliteDriver, folder: string): void {
  const names = readdirSync(folder)
  const files = names.filter((name) => MEMORY_FILE.test(name))
  if (names.some((name) => !MEMORY_FILE.test(name) && !BESIDE_IT.test(name))) return
  if (files.length === 0) {
    // Killed before the file was made, or about to make it. What is left beside a file that is gone is nobody's.
    if (Date.now() - statSync(folder).mtimeMs < YOUNG_MS) return
    for (const name of names) rmSync(join(folder, name), { force: true })
    rmdirSync(folder)
  } else if (files.every((name) => isAbandoned(driver, join(folder, name)))) rmSync(folder, { recursive: true, force: true })
}

export function removeScratchFile(path: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(path + suffix, { force: true })
}

function isAbandoned(driver: SqliteDriver, path: string): boolean {
  const { mtimeMs, size } = statSync(path)
  // A stage is locked from the moment it has content in WAL mode; a copy from a moment after it was written.
  if (Date.now() - mtimeMs < YOUNG_MS && (size === 0 || path.endsWith('.copy'))) return false
  const database = new driver(path)
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK')
    return true
  } catch {
    return false
  } finally {
    database.close()
  }
}
