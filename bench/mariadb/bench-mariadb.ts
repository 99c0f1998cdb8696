import { rm } from 'node:fs/promises'
import { median } from '../median.ts'
import { type Measured, runLane, runShell } from '../run-lane.ts'
import { storedBytes } from '../stored-bytes.ts'
import { ordersSql } from './orders-table.ts'
import { type BenchServer, startMariadb } from './server.ts'

const STEPS = ['full', 'mariadb-dump', 'digest query', 'nothing changed, by digest', 'nothing changed, by position', '1 % changed at random'] as const

type Step = (typeof STEPS)[number]

/** Snapshots of a table of MariaDB, side by side with `mariadb-dump` and with the query that a check cannot do without; medians. */
export async function benchMariadb(rows: number, runs: number, out: string): Promise<void> {
  const server = await startMariadb()
  try {
    const [version] = await server.query('SELECT version() AS version')
    await server.query('CREATE DATABASE bench CHARACTER SET utf8mb4')
    await server.query(ordersSql(rows), 'bench')
    const figures = new Map<Step, { seconds: number; bytes: number }[]>(STEPS.map((step) => [step, []]))
    let methods = ''
    for (let run = 0; run <= runs; run++) {
      const round = await oneRound(server, out, run)
      methods = round.methods
      if (run > 0) for (const [step, figure] of round.figures) figures.get(step)!.push(figure) // the first round warms caches
    }
    print(`MariaDB ${String(version?.version)}: what changed, by ${methods}`, figures)
  } finally {
    await server.stop()
  }
}

async function oneRound(server: BenchServer, out: string, round: number) {
  const repository = `${out}/mariadb`
  await rm(repository, { recursive: true, force: true })
  const url = server.url('bench')
  const figures = new Map<Step, { seconds: number; bytes: number }>()
  let stored = 0
  let methods = ''
  const take = async (step: Step, work: () => Promise<Measured>) => {
    const { seconds } = await work()
    const now = await storedBytes(repository)
    figures.set(step, { seconds, bytes: now - stored })
    stored = now
  }
  const snapshot = async () => {
    const lane = await runLane('snapshot-mariadb', [url, repository])
    methods = String(lane.facts.methods)
    return lane
  }
  await take('full', snapshot)
  const dump = `mariadb-dump --no-defaults -h 127.0.0.1 -P ${server.port} -u root --single-transaction --quick bench orders customers`
  await take('mariadb-dump', () => runShell(`${dump} | zstd -3 -q -f -o ${out}/mariadb.sql.zst`))
  await take('digest query', () => bareDigest(server))
  await take('nothing changed, by position', snapshot)
  // A commit elsewhere moves the position, so that the rows themselves have to be asked.
  await server.query('CREATE OR REPLACE TABLE bench.elsewhere (id int); INSERT INTO bench.elsewhere VALUES (1)')
  await take('nothing changed, by digest', snapshot)
  await server.query(`UPDATE orders SET note = CONCAT(note, '.') WHERE CRC32(id) MOD 100 = ${round}`, 'bench')
  await take('1 % changed at random', snapshot)
  return { figures, methods }
}

/** The work that finding out by digest cannot do without: every value of every row, hashed and added up by the server. */
async function bareDigest(server: BenchServer): Promise<Measured> {
  const columns = await server.query(`SELECT column_name AS c FROM information_schema.columns WHERE table_schema = 'bench' AND table_name = 'orders'`)
  const values = columns.map(({ c }) => `COALESCE(\`${String(c)}\`, '')`).join(`, '|', `)
  const started = performance.now()
  await server.query(
    `SELECT COUNT(*), SUM(CAST(CONV(SUBSTR(h, 1, 16), 16, 10) AS UNSIGNED)), SUM(CAST(CONV(SUBSTR(h, 17, 16), 16, 10) AS UNSIGNED))
     FROM (SELECT SHA1(CONCAT(${values})) AS h FROM orders LIMIT 18446744073709551615) AS hashes`,
    'bench',
  )
  return { seconds: (performance.now() - started) / 1000 }
}

function print(title: string, figures: ReadonlyMap<Step, readonly { seconds: number; bytes: number }[]>): void {
  const seconds = (step: Step) => median(figures.get(step)!.map((figure) => figure.seconds))
  const bytes = (step: Step) => median(figures.get(step)!.map((figure) => figure.bytes))
  const of = (step: Step, other: Step) => `${((seconds(step) / seconds(other)) * 100).toFixed(1)} % of ${other === 'full' ? "a full's time" : `the ${other}`}`
  const line = (step: Step, text: string, wanted: string, met: boolean) =>
    console.log(`  ${step.padEnd(30)} ${seconds(step).toFixed(2).padStart(7)} s   ${text} (wanted ${wanted})${met ? '' : '  MISSED'}`)
  console.log(title)
  console.log(`  ${'mariadb-dump | zstd -3'.padEnd(30)} ${seconds('mariadb-dump').toFixed(2).padStart(7)} s`)
  console.log(`  ${'bare digest query'.padEnd(30)} ${seconds('digest query').toFixed(2).padStart(7)} s`)
  const ratio = seconds('mariadb-dump') / seconds('full')
  line('full', `${ratio.toFixed(2)}× as fast as mariadb-dump`, '0.95×', ratio >= 0.95)
  const nothing = seconds('nothing changed, by digest') / seconds('digest query')
  line('nothing changed, by digest', of('nothing changed, by digest', 'digest query'), '120 %', nothing <= 1.2)
  line('nothing changed, by position', of('nothing changed, by position', 'full'), '3 %', seconds('nothing changed, by position') <= seconds('full') * 0.03)
  const share = bytes('1 % changed at random') / bytes('full')
  const time = seconds('1 % changed at random') / seconds('full')
  line(
    '1 % changed at random',
    `${of('1 % changed at random', 'full')}, ${(share * 100).toFixed(1)} % of its bytes`,
    '120 %, 5 %',
    time <= 1.2 && share <= 0.05,
  )
  console.log()
}
