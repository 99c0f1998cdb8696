import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import mysql from 'mysql2'
import { freePort } from './provide-postgres.ts'

export const MARIADBD = '/usr/sbin/mariadbd'
const INSTALLER = '/usr/bin/mariadb-install-db'

/** Debian's `mariadb-server` is installed. */
export const hasMariadb = existsSync(MARIADBD) && existsSync(INSTALLER)

/** A MariaDB server of one's own, in a temporary folder. */
export interface MariadbServer {
  readonly url: string
  /** Rows of the last statement. */
  query<T = Record<string, unknown>>(sql: string): Promise<T[]>
  /** With the arguments that it was started with, or others. */
  restart(args?: readonly string[]): Promise<void>
  stop(): Promise<void>
}

export async function startMariadb(args: readonly string[] = []): Promise<MariadbServer> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-mariadb-'))
  const user = process.getuid?.() === 0 ? ['--user=mysql'] : []
  chmodSync(folder, 0o755)
  const data = join(folder, 'data')
  execFileSync(INSTALLER, ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db', ...user], { stdio: 'ignore' })
  const port = await freePort()
  const url = `mysql://root@127.0.0.1:${port}`
  let server: ChildProcess | null = null
  let present = args

  const start = async (): Promise<void> => {
    const base = [
      '--no-defaults',
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(data, 'server.sock')}`,
      '--local-infile=1',
    ]
    server = spawn(MARIADBD, [...base, ...user, ...present], { stdio: 'ignore' })
    for (let tries = 0; ; tries++) {
      const problem = await query(url, 'SELECT 1').then(
        () => null,
        (error: unknown) => error,
      )
      if (problem === null) return
      if (tries > 150 || server.exitCode !== null) throw new Error(`${MARIADBD} is there but cannot be used`, { cause: problem })
      await delay(100)
    }
  }
  const end = async (): Promise<void> => {
    const running = server
    server = null
    if (!running || running.exitCode !== null) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    if (running.kill()) await ended
  }
  const stop = async (): Promise<void> => {
    await end()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await start()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    url,
    query: (sql) => query(url, sql),
    async restart(others = present) {
      await end()
      present = others
      await start()
    },
    stop,
  }
}

async function query<T>(uri: string, sql: string): Promise<T[]> {
  const connection = mysql.createConnection({ uri, multipleStatements: true, supportBigNumbers: true, connectTimeout: 3000 })
  try {
    return await new Promise<T[]>((resolve, reject) => {
      connection.on('error', reject)
      connection.query(sql, (error, rows) => {
        if (error) return reject(error)
        const several = Array.isArray(rows) && rows.some((row) => Array.isArray(row) || (row as object).constructor.name === 'ResultSetHeader')
        const last = several ? (rows as unknown[]).at(-1) : rows
        resolve((Array.isArray(last) ? last : []) as T[])
      })
    })
  } finally {
    connection.destroy()
  }
}
