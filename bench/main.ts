import { mkdir, rm } from 'node:fs/promises'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { benchChanges } from './changes.ts'
import { benchCompare } from './compare.ts'
import { emptyOrders, onDatabase, sourceDatabase, targetDatabase } from './databases.ts'
import { benchMariadb } from './mariadb/bench-mariadb.ts'
import { median } from './median.ts'
import { benchClosure, benchDelta, benchFields, benchMillion, benchStale } from './restores.ts'
import { type Measured, runLane, runShell } from './run-lane.ts'
import { benchStorages } from './storages.ts'

const PARTS = ['export', 'changes', 'compare', 'restore', 'closure', 'delta', 'fields', 'stale', 'million', 'memory', 'mariadb', 'storages']
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string', default: '1000000' }, runs: { type: 'string', default: '5' }, fast: { type: 'boolean', default: false } },
})
const rows = Number(values.rows)
const runs = Number(values.runs)
const parts = positionals.length > 0 ? positionals : [...PARTS]

const OUT = 'bench/out'

/** One way to do the job, and at least how many times as fast Holdfast has to be. */
interface Peer {
  readonly name: string
  readonly atLeast: number
  /** Seconds are multiplied by this: lanes too slow for all rows do a part of them. */
  readonly scale?: number
  readonly run: () => Promise<Measured>
}

await mkdir(OUT, { recursive: true })
const source = await sourceDatabase(rows)
const { rows: server } = await onDatabase(source, (client) => client.query('SELECT version() AS version'))
console.log(
  `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${String(server[0]?.version).split(' (')[0]}`,
)
console.log(`orders: ${rows.toLocaleString('en')} rows, 16 columns; medians of ${runs} runs, side by side\n`)

if (parts.includes('export')) {
  const file = `${OUT}/peer`
  await compare('export to zstd-3', () => runLane('export-holdfast', [source, `${OUT}/repository`]), [
    { name: 'pg_dump | zstd -3', atLeast: 0.75, run: () => runShell(`pg_dump -d '${source}' -t orders -t customers | zstd -3 -q -f -o ${file}.sql.zst`) },
    { name: 'pg_dump -Fc', atLeast: 2.5, run: () => runShell(`pg_dump -d '${source}' -t orders -t customers -Fc -f ${file}.dump`) },
    ...(values.fast
      ? []
      : [
          { name: 'TypeORM find() by pages', atLeast: 5, run: () => runLane('export-typeorm', [source, `${file}-typeorm`]) },
          { name: 'MikroORM find() by pages', atLeast: 15, run: () => runLane('export-mikro-orm', [source, `${file}-mikro-orm`]) },
        ]),
  ])
}

if (parts.includes('changes')) await benchChanges(rows, runs, OUT)

if (parts.includes('mariadb')) await benchMariadb(rows, runs, OUT)

if (parts.includes('storages')) await benchStorages(source, runs, OUT)

if (parts.includes('compare')) await benchCompare(rows, runs, OUT)

if (parts.includes('restore')) {
  const target = await targetDatabase()
  const repository = `${OUT}/repository`
  await runLane('export-holdfast', [source, repository])
  await runShell(`pg_dump -d '${source}' -t orders -Fc -f ${OUT}/restore.dump`)
  const fresh = async (run: () => Promise<Measured>) => {
    await emptyOrders(target)
    return run()
  }
  await compare(
    'restore into an empty table, key, index and foreign key in place',
    () => fresh(() => runLane('restore-holdfast', [target, repository, source])),
    [
      { name: 'pg_restore --data-only', atLeast: 0.9, run: () => fresh(() => runShell(`pg_restore --data-only -d '${target}' ${OUT}/restore.dump`)) },
      ...(values.fast
        ? []
        : [
            {
              name: 'TypeORM save(), 100 000 rows',
              atLeast: 7,
              scale: rows / 100_000,
              run: () => fresh(() => runLane('restore-typeorm', [target, '', source])),
            },
          ]),
    ],
  )
}

for (const [part, bench] of [
  ['closure', benchClosure],
  ['delta', benchDelta],
  ['fields', benchFields],
  ['stale', benchStale],
  ['million', benchMillion],
] as const)
  if (parts.includes(part)) await bench(rows, runs, OUT)

if (parts.includes('memory')) {
  console.log('peak memory above the process after the ORM is up (MiB; at most 200, and within 15 % of each other)')
  for (const count of [rows, 5 * rows]) {
    const url = await sourceDatabase(count)
    const peaks: number[] = []
    for (let run = 0; run < 3; run++) peaks.push((await runLane('export-holdfast', [url, `${OUT}/memory`])).peakAboveMiB)
    console.log(`  ${count.toLocaleString('en').padStart(10)} rows  ${median(peaks).toFixed(0).padStart(4)}`)
  }
  await rm(`${OUT}/memory`, { recursive: true, force: true })
}

async function compare(title: string, own: () => Promise<Measured>, peers: readonly Peer[]): Promise<void> {
  const mine: Measured[] = []
  const theirs = peers.map((): number[] => [])
  // In turn, so that a machine whose speed drifts drifts for all; the first round warms caches and does not count.
  for (let run = 0; run <= runs; run++) {
    const measured = await own()
    if (run > 0) mine.push(measured)
    for (const [at, peer] of peers.entries()) {
      if (run === 0 && peer.atLeast >= 5) continue
      const { seconds } = await peer.run()
      if (run > 0) theirs[at]!.push(seconds * (peer.scale ?? 1))
    }
  }
  const seconds = median(mine.map((run) => run.seconds))
  console.log(title)
  console.log(
    `  ${'Holdfast'.padEnd(30)} ${seconds.toFixed(2).padStart(7)} s   peak ${median(mine.map((run) => run.peakAboveMiB ?? 0)).toFixed(0)} MiB above ${median(mine.map((run) => run.baseMiB ?? 0)).toFixed(0)}, CPU ${median(mine.map((run) => run.cpuSeconds ?? 0)).toFixed(1)} s`,
  )
  for (const [at, { name, atLeast }] of peers.entries()) {
    const peer = median(theirs[at]!)
    const ratio = peer / seconds
    console.log(
      `  ${name.padEnd(30)} ${peer.toFixed(2).padStart(7)} s   Holdfast is ${ratio.toFixed(2)}× as fast (wanted ${atLeast}×)${ratio < atLeast ? '  MISSED' : ''}`,
    )
  }
  console.log()
}
