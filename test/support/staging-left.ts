import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestDialect } from './declared-tables.ts'
import type { PlainDatabase } from './plain-database.ts'

/** What restores keep beside the live tables: tables, or files. */
export async function stagingLeft(dialect: TestDialect, database: PlainDatabase): Promise<readonly string[]> {
  if (dialect === 'sqlite') {
    const folder = dirname(database.location)
    return readdirSync(folder).flatMap((name) =>
      name.startsWith(`${basename(database.location)}.holdfast-`) && name.endsWith('.stage') ? [join(folder, name)] : [],
    )
  }
  const rows = await database.rows(
    dialect === 'postgres'
      ? "SELECT relname AS name FROM pg_class WHERE relnamespace = to_regnamespace('holdfast_staging') AND relkind = 'r' ORDER BY 1"
      : "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'holdfast|_%' ESCAPE '|' ORDER BY 1",
  )
  return rows.map(({ name }) => String(name))
}

/** Runs a script that prints `stopped` where it stands still, kills it there, and waits until the server has noticed. */
export async function killedWhereItStops(dialect: TestDialect, database: PlainDatabase, script: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let output = ''
  for await (const bytes of child.stdout) if ((output += String(bytes)).includes('stopped')) break
  child.kill('SIGKILL')
  await ended
  if (!output.includes('stopped')) throw new Error('the process came to its end')
  for (const deadline = Date.now() + 60_000; !(await isAbandoned(dialect, database)); await sleep(20))
    if (Date.now() > deadline) throw new Error('the server holds the lock of a dead restore')
}

/** A dead restore's connection, and its lock with it, lives until the server notices. */
async function isAbandoned(dialect: TestDialect, database: PlainDatabase): Promise<boolean> {
  if (dialect === 'sqlite') return true
  if (dialect === 'postgres') {
    const own = 'SELECT oid FROM pg_database WHERE datname = current_database()'
    return (await database.rows(`SELECT 1 AS one FROM pg_locks WHERE locktype = 'advisory' AND database = (${own})`)).length === 0
  }
  const owners = new Set((await stagingLeft(dialect, database)).map((name) => name.split('_')[1]!))
  for (const owner of owners) {
    const [row] = await database.rows(`SELECT IS_FREE_LOCK('holdfast_${owner}') AS free`)
    if (Number(row!.free) !== 1) return false
  }
  return true
}
