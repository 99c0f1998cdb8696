import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import libsql from 'libsql'
import { runCli } from '../../src/cli/run-cli.ts'
import { ROOT } from '../architecture/source-files.ts'
import { openSqliteShop } from '../fixtures/sqlite-shop.ts'
import { cliSurroundings } from './cli-surroundings.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface CliRun {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  /** The lines of JSON. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  line(type: string): Readonly<Record<string, unknown>>
}

export interface RunningCli {
  readonly child: ChildProcess
  /** Resolves when it has written this; rejects when it ends without. */
  wrote(text: string): Promise<void>
  readonly ended: Promise<CliRun>
}

/** A folder that holds a shop in SQLite, its configuration, and its backups. */
export interface CliApp {
  readonly folder: string
  /** In a process of its own. */
  start(args: readonly string[], options?: CliOptions): RunningCli
  /** In this process, to its end. */
  run(args: readonly string[], options?: CliOptions): Promise<CliRun>
  /** In this process, on a terminal where somebody types `input` when asked; Ctrl-C when it is null. */
  converse(args: readonly string[], input: string | null): Promise<CliRun>
  sql(text: string): unknown[]
  remove(): void
}

interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly input?: string
}

/** What the folder holds: a module of the fixtures that exports `shopConfig(folder)`, and its database. */
export interface CliShop {
  readonly config: string
  make(folder: string): Promise<void>
}

const ONE_SHOP: CliShop = {
  config: 'cli-shop-config.ts',
  make: async (folder) => (await openSqliteShop(folder)).dataSource.destroy(),
}

export async function cliApp({ config: fixture, make }: CliShop = ONE_SHOP): Promise<CliApp> {
  const folder = temporaryFolder()
  await make(folder.path)
  const config = pathToFileURL(join(ROOT, 'test/fixtures', fixture)).href
  writeFileSync(join(folder.path, 'holdfast.config.mjs'), `import { shopConfig } from '${config}'\nexport default shopConfig(import.meta.dirname)\n`)
  mkdirSync(join(folder.path, 'below'))

  function start(args: readonly string[], { env = {}, cwd = folder.path, input = '' }: CliOptions = {}): RunningCli {
    const { HOLDFAST_CONFIG: _, ...outer } = process.env
    const child = spawn(process.execPath, ['--no-warnings', join(ROOT, 'src/cli/bin.ts'), ...args], { cwd, env: { ...outer, ...env }, stdio: 'pipe' })
    let stdout = ''
    let stderr = ''
    const watchers = new Set<() => void>()
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk)
      watchers.forEach((look) => look())
    })
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk)
      watchers.forEach((look) => look())
    })
    const wrote = (text: string) =>
      new Promise<void>((resolve, reject) => {
        const look = () => (stdout + stderr).includes(text) && resolve()
        watchers.add(look)
        child.once('close', () => reject(new Error(`it ended without "${text}":\n${stdout}\n${stderr}`)))
        look()
      })
    child.stdin.end(input)
    const ended = new Promise<CliRun>((resolve) => child.once('close', (exitCode) => resolve(cliRun(exitCode, stdout, stderr))))
    return { child, wrote, ended }
  }

  return {
    folder: folder.path,
    start,
    async run(args, { env = {}, cwd = folder.path, input = '' } = {}) {
      const surroundings = cliSurroundings({ cwd, env, input })
      const exitCode = await runCli(args, surroundings)
      return cliRun(exitCode, surroundings.written.stdout, surroundings.written.stderr)
    },
    async converse(args, input) {
      const surroundings = cliSurroundings({ cwd: folder.path, terminal: true, env: { NO_COLOR: '1' } })
      surroundings.stderr.on('data', (chunk) => {
        if (!String(chunk).includes('[y/N]')) return
        if (input === null) surroundings.interrupt()
        else surroundings.type(`${input}\n`)
      })
      const exitCode = await runCli(args, surroundings)
      return cliRun(exitCode, surroundings.written.stdout, surroundings.written.stderr)
    },
    sql(text) {
      const database = new libsql(join(folder.path, 'shop.sqlite'))
      try {
        const statement = database.prepare(text)
        return statement.reader ? statement.all() : [statement.run()]
      } finally {
        database.close()
      }
    },
    remove: () => folder.remove(),
  }
}

export function cliRun(exitCode: number | null, stdout: string, stderr: string): CliRun {
  const lines = stdout
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text) as Readonly<Record<string, unknown>>)
  return {
    exitCode,
    stdout,
    stderr,
    lines,
    line(type) {
      const found = lines.find((line) => line.type === type)
      if (!found) throw new Error(`no ${type} line in:\n${stdout}\n${stderr}`)
      return found
    },
  }
}
