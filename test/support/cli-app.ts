import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import libsql from 'libsql'
import { ROOT } from '../architecture/source-files.ts'
import { openSqliteShop } from '../fixtures/sqlite-shop.ts'
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
  /** Resolves at the first line on stdout. */
  readonly started: Promise<void>
  readonly ended: Promise<CliRun>
}

/** A folder that holds a shop in SQLite, its configuration, and its backups. Commands run in processes of their own, from the sources. */
export interface CliApp {
  readonly folder: string
  start(args: readonly string[], options?: CliOptions): RunningCli
  run(args: readonly string[], options?: CliOptions): Promise<CliRun>
  sql(text: string): unknown[]
  remove(): void
}

interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly input?: string
}

export async function cliApp(): Promise<CliApp> {
  const folder = temporaryFolder()
  const shop = await openSqliteShop(folder.path)
  await shop.dataSource.destroy()
  const config = pathToFileURL(join(ROOT, 'test/fixtures/cli-shop-config.ts')).href
  writeFileSync(join(folder.path, 'holdfast.config.mjs'), `import { shopConfig } from '${config}'\nexport default shopConfig(import.meta.dirname)\n`)
  mkdirSync(join(folder.path, 'below'))

  function start(args: readonly string[], { env = {}, cwd = folder.path, input = '' }: CliOptions = {}): RunningCli {
    const { HOLDFAST_CONFIG: _, ...outer } = process.env
    const child = spawn(process.execPath, ['--no-warnings', join(ROOT, 'src/cli/bin.ts'), ...args], { cwd, env: { ...outer, ...env }, stdio: 'pipe' })
    let stdout = ''
    let stderr = ''
    child.stderr.on('data', (chunk) => (stderr += String(chunk)))
    const started = new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk) => {
        stdout += String(chunk)
        if (stdout.includes('\n')) resolve()
      })
      child.once('close', () => resolve())
    })
    child.stdin.end(input)
    const ended = new Promise<CliRun>((resolve) => child.once('close', (exitCode) => resolve(cliRun(exitCode, stdout, stderr))))
    return { child, started, ended }
  }

  return {
    folder: folder.path,
    start,
    run: (args, options) => start(args, options).ended,
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
