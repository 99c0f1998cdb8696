import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import mysql from 'mysql2/promise'

export interface BenchServer {
  readonly port: number
  url(database: string): string
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>
  stop(): Promise<void>
}

/** A MariaDB of the benchmark's own, with room for the tables and its binary log on, from the binaries of Debian's `mariadb-server`. */
export async function startMariadb(): Promise<BenchServer> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-mariadb-'))
  chmodSync(folder, 0o755)
  const data = join(folder, 'data')
  const user = process.getuid?.() === 0 ? ['--user=mysql'] : []
  execFileSync('mariadb-install-db', ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db', ...user], {
    stdio: 'ignore',
  })
  const port = await freePort()
  const server = spawn(
    'mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(data, 's.sock')}`,
      '--innodb-buffer-pool-size=2G',
      '--innodb-log-file-size=1G',
      '--innodb-flush-log-at-trx-commit=2',
      '--log-bin=binlog',
      '--binlog-format=ROW',
      '--server-id=1',
      '--max-allowed-packet=64M',
      '--local-infile=1',
      ...user,
    ],
    { stdio: 'ignore' },
  )
  const url = (database: string) => `mysql://root@127.0.0.1:${port}/${database}`
  const query = async (sql: string, database = 'mysql') => {
    const connection = await mysql.createConnection({ uri: url(database), multipleStatements: true, supportBigNumbers: true, bigNumberStrings: true })
    try {
      const [rows] = await connection.query(sql)
      return rows as Record<string, unknown>[]
    } finally {
      await connection.end()
    }
  }
  const stop = async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve))
    if (server.exitCode === null && server.kill()) await ended
    rmSync(folder, { recursive: true, force: true })
  }
  for (let tries = 0; tries < 150; tries++) {
    try {
      await query('SELECT 1')
      return { port, url, query, stop }
    } catch {
      if (server.exitCode !== null) break
      await delay(200)
    }
  }
  await stop()
  throw new Error('MariaDB did not start')
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
