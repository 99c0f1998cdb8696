import { mkdtempSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { bootedAt, bootId } from './boot-id.ts'
import type { SqliteDriver } from './driver.ts'
import { quoteText } from './quote.ts'

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

/** Deletes the copies that killed processes left beside the database, and of stages those that `stale` says nobody may go on with. Whatever cannot be judged stays. */
export function sweepScratchFiles(driver: SqliteDriver, database: string, stale: (stage: string) => boolean = isOfEarlierBoot): void {
  for (const path of scratchFiles(database)) {
    try {
      const gone = path.endsWith('.stage') ? stale(path) && claimStage(driver, path, null) : isAbandoned(driver, path)
      if (gone) removeScratchFile(path)
    } catch {
      // It went away meanwhile, or is no database: not ours to judge. The next restore or backup looks again.
    }
  }
}

/** Those that are beside the database, whoever made them. */
export function scratchFiles(database: string): readonly string[] {
  const folder = dirname(database)
  const prefix = `${basename(database)}.holdfast-`
  return readdirSync(folder).flatMap((name) => (name.startsWith(prefix) && /\.(copy|stage)$/.test(name) ? [join(folder, name)] : []))
}

/** What was in no file yet when the system went down is lost, and where no run of the system can be told from another, nothing is ever gone on with. */
function isOfEarlierBoot(stage: string): boolean {
  if (bootId() === null) return true
  return ['', '-wal'].every((suffix) => (statSync(stage + suffix, { throwIfNoEntry: false })?.mtimeMs ?? 0) < bootedAt())
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

/** Whether nobody holds it; then `then` may be done to it before anybody else does. No statement is prepared: libsql would keep the file locked until it is garbage collected. */
function isAbandoned(driver: SqliteDriver, path: string, then = ''): boolean {
  const { mtimeMs, size } = statSync(path)
  // A stage is locked from the moment it has content in WAL mode; a copy from a moment after it was written.
  if (Date.now() - mtimeMs < YOUNG_MS && (size === 0 || path.endsWith('.copy'))) return false
  const database = new driver(path)
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    try {
      database.exec(`${then}; COMMIT`)
    } catch {
      // Killed before it had a holder, or made by an older version: nobody ever goes on with it.
      database.exec('ROLLBACK')
    }
    return true
  } catch {
    return false
  } finally {
    database.close()
  }
}

/**
 * Whether nobody holds the stage. Then it is the holder's, where the stage says so to who opens it next: another may come in between. Null is for one that is about to be removed: it is nobody's any more, and
 * stays so.
 */
export function claimStage(driver: SqliteDriver, path: string, holder: string | null): boolean {
  return isAbandoned(driver, path, `UPDATE ${STAGE_HOLDER} SET holder = ${holder === null ? 'NULL' : quoteText(holder)} WHERE holder IS NOT NULL`)
}

/** A table of every stage, of one row: `holder`, the id of the restore that it belongs to. */
export const STAGE_HOLDER = 'made_by_holdfast'
