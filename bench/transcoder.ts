import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import pg from 'pg'
import { copyIn, copyOut } from '../adapters/sql/postgres/copy/index.ts'
import { createOrdersTable, ORDER_COLUMNS, orderProgram, ordersTable } from './orders-table.ts'

// The COPY lane alone: `node bench/transcoder.ts [rows] [rounds] [lane,lane]`. Lanes take turns within a round, so that other work on the machine
// falls on all of them. CPU seconds are those of this process (or of the tool), then of the server's backend; the backend's need Linux and a local server.

const ROWS = Number(process.argv[2] ?? 1_000_000)
const ROUNDS = Number(process.argv[3] ?? 3)
const SERVER = process.env['HOLDFAST_BENCH_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const DATABASE = 'holdfast_bench'
const url = new URL(SERVER)
url.pathname = `/${DATABASE}`
const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
const compress = promisify(zstdCompress)

interface Cost {
  readonly client: number
  readonly backend: number
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client(url.href)
  await client.connect()
  await client.query(`SET timezone = 'UTC'; SET extra_float_digits = 1`)
  return client
}

function backendSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}

async function own(work: (client: pg.Client) => Promise<void>): Promise<Cost> {
  const client = await connect()
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid')
  const before = backendSeconds(rows[0].pid)
  const start = process.cpuUsage()
  await work(client)
  const { user, system } = process.cpuUsage(start)
  const backend = backendSeconds(rows[0].pid) - before
  await client.end()
  return { client: (user + system) / 1e6, backend }
}

/** Runs a shell pipeline; the backend is found by the tool's application name. */
async function tool(command: string, application: string): Promise<Cost> {
  const watcher = await connect()
  const child = spawn('bash', ['-c', `TIMEFORMAT='cpu %U %S'; time (${command})`], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (text: Buffer) => (said += text.toString()))
  const done = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)))
  let backend = Number.NaN
  let pid: number | undefined
  for (let running = true; running;) {
    if (pid === undefined) pid = (await watcher.query('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [application])).rows[0]?.pid
    if (pid !== undefined) backend = backendSeconds(pid) || backend
    running = await Promise.race([done.then(() => false), sleep(20, true)])
  }
  const code = await done
  await watcher.end()
  if (code !== 0) throw new Error(`${command}: ${said}`)
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(said)!
  return { client: Number(user) + Number(system), backend }
}

const copySql = `COPY (SELECT ${ORDER_COLUMNS} FROM orders) TO STDOUT`
const linesFile = join(folder, 'orders.ndjson')
const copyFile = join(folder, 'orders.tsv')

async function copyOutAlone(client: pg.Client): Promise<void> {
  for await (const batch of copyOut(client, copySql, orderProgram())) void batch
}

/** As a chunk encoder does it: SHA-256 over the lines, independent frames of 1 MiB, three in flight, in order. */
async function copyOutFrames(client: pg.Client): Promise<void> {
  let hash = createHash('sha256')
  let chunkBytes = 0
  const inFlight: Promise<Buffer>[] = []
  for await (const { bytes } of copyOut(client, copySql, orderProgram())) {
    hash.update(bytes)
    chunkBytes += bytes.length
    if (chunkBytes > 8 * 1024 * 1024) {
      hash.digest()
      hash = createHash('sha256')
      chunkBytes = 0
    }
    inFlight.push(compress(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } }))
    if (inFlight.length >= 3) await inFlight.shift()
  }
  await Promise.all(inFlight)
}

async function loadLines(client: pg.Client): Promise<void> {
  await client.query('TRUNCATE orders_in')
  const lines = createReadStream(linesFile, { highWaterMark: 1024 * 1024 })
  const { rows } = await copyIn(client, `COPY orders_in (${ORDER_COLUMNS}) FROM STDIN`, orderProgram(), lines)
  if (rows !== ROWS) throw new Error(`${rows} of ${ROWS} rows came in`)
}

const LANES: Record<string, () => Promise<Cost>> = {
  copyOut: () => own(copyOutAlone),
  'copyOut + sha256 + zstd -3': () => own(copyOutFrames),
  'pg_dump | zstd -3': () => tool(`pg_dump -d '${url.href}' -a -t orders | zstd -3 -c > /dev/null`, 'pg_dump'),
  'psql \\copy to | zstd -3': () => tool(`psql -q '${url.href}' -c "\\copy (SELECT ${ORDER_COLUMNS} FROM orders) TO STDOUT" | zstd -3 -c > /dev/null`, 'psql'),
  copyIn: () => own(loadLines),
  'psql \\copy from': () => tool(`psql -q '${url.href}' -c 'TRUNCATE orders_in' -c "\\copy orders_in (${ORDER_COLUMNS}) FROM '${copyFile}'"`, 'psql'),
}

async function prepare(): Promise<void> {
  const server = new pg.Client(SERVER)
  await server.connect()
  const { rowCount } = await server.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE])
  if (rowCount === 0) await server.query(`CREATE DATABASE ${DATABASE}`)
  await server.end()
  const client = await connect()
  await createOrdersTable(client, ROWS)
  await client.query('DROP TABLE IF EXISTS orders_in')
  await client.query(ordersTable('orders_in').replace('CREATE TABLE', 'CREATE UNLOGGED TABLE'))
  const file = createWriteStream(linesFile)
  let bytes = 0
  for await (const batch of copyOut(client, copySql, orderProgram())) {
    bytes += batch.bytes.length
    if (!file.write(batch.bytes)) await new Promise<void>((resolve) => file.once('drain', () => resolve()))
  }
  await new Promise((resolve) => file.end(() => resolve(undefined)))
  await client.end()
  await tool(`psql -q '${url.href}' -c "\\copy (SELECT ${ORDER_COLUMNS} FROM orders) TO '${copyFile}'"`, 'psql')
  console.log(`${ROWS} rows, ${(bytes / 1e6).toFixed(0)} MB of lines; ${cpus().length} cores; median of ${ROUNDS} rounds`)
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!

try {
  await prepare()
  const wanted = process.argv[4]?.split(',')
  const lanes = Object.entries(LANES).filter(([name]) => !wanted || wanted.some((part) => name.includes(part)))
  const seconds: Record<string, number[]> = {}
  const costs: Record<string, Cost[]> = {}
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of lanes) {
      const start = performance.now()
      const cost = await run()
      ;(seconds[name] ??= []).push((performance.now() - start) / 1000)
      ;(costs[name] ??= []).push(cost)
    }
  }
  console.table(
    lanes.map(([lane]) => ({
      lane,
      seconds: median(seconds[lane]!).toFixed(2),
      'krows/s': Math.round(ROWS / 1000 / median(seconds[lane]!)),
      'client CPU s': median(costs[lane]!.map(({ client }) => client)).toFixed(2),
      'backend CPU s': median(costs[lane]!.map(({ backend }) => backend)).toFixed(2),
      all: seconds[lane]!.map((value) => value.toFixed(2)).join(' '),
    })),
  )
  for (const [ours, theirs] of [
    ['copyOut + sha256 + zstd -3', 'pg_dump | zstd -3'],
    ['copyIn', 'psql \\copy from'],
  ] as const) {
    const ratios = (seconds[theirs] ?? []).map((value, round) => value / (seconds[ours]?.[round] ?? Number.NaN))
    if (ratios.length > 0 && seconds[ours])
      console.log(`${ours}: ${median(ratios).toFixed(2)} of the speed of ${theirs} (${ratios.map((ratio) => ratio.toFixed(2)).join(' ')})`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
