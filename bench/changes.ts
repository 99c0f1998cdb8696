import { changedDatabase, onDatabase } from './databases.ts'
import { median } from './median.ts'
import { runLane, runShell } from './run-lane.ts'
import { storedBytes } from './stored-bytes.ts'

/** What happens to the table between two backups, and how many times as fast as the peer the second has to be. */
interface Change {
  readonly name: string
  readonly sql: string | null
  /** Against `pg_dump | zstd -3` of the same table. */
  readonly atLeast?: number
  /** Share of a full's time, and of its bytes, at most. */
  readonly ofFullTime?: number
  readonly ofFullBytes?: number
}

const CHANGES: readonly Change[] = [
  { name: 'nothing changed', sql: null, atLeast: 10, ofFullBytes: 0 },
  { name: 'newest 1 % changed', sql: `UPDATE orders SET note = note || '.' WHERE id > (SELECT max(id) - count(*) / 100 FROM orders)`, atLeast: 8 },
  { name: '1 % changed at random', sql: `UPDATE orders SET note = note || '.' WHERE hashint8(id) % 100 = 7`, atLeast: 4, ofFullBytes: 0.05 },
  { name: '1 % deleted at random', sql: `DELETE FROM orders WHERE hashint8(id) % 100 = 9`, ofFullTime: 0.3 },
]

/** Snapshots of a table after changes of several kinds, side by side with a full and with the peer; medians. */
export async function benchChanges(rows: number, runs: number, out: string): Promise<void> {
  const repository = `${out}/changes`
  const figures = new Map<string, { seconds: number[]; bytes: number[] }>()
  const note = (name: string, seconds: number, bytes = 0) => {
    const kept = figures.get(name) ?? { seconds: [], bytes: [] }
    figures.set(name, kept)
    kept.seconds.push(seconds)
    kept.bytes.push(bytes)
  }
  let methods = ''
  for (let run = 0; run <= runs; run++) {
    const url = await changedDatabase(rows)
    const counts = run > 0 // the first round warms caches
    const full = await runLane('export-holdfast', [url, repository])
    let stored = await storedBytes(repository)
    const peer = await runShell(`pg_dump -d '${url}' -t orders -t customers | zstd -3 -q -f -o ${out}/changes.sql.zst`)
    if (counts) {
      note('full', full.seconds, stored)
      note('peer', peer.seconds)
    }
    for (const { name, sql } of CHANGES) {
      if (sql) await onDatabase(url, (client) => client.query(sql))
      const { seconds, facts } = await runLane('incremental-holdfast', [url, repository])
      methods = String(facts.methods)
      const now = await storedBytes(repository)
      if (counts) note(name, seconds, now - stored)
      stored = now
    }
  }
  const [full, peer] = [figures.get('full')!, figures.get('peer')!]
  const [fullSeconds, fullBytes, peerSeconds] = [median(full.seconds), median(full.bytes), median(peer.seconds)]
  console.log(`what changed, by ${methods}`)
  console.log(`  ${'a full'.padEnd(30)} ${fullSeconds.toFixed(2).padStart(7)} s   ${mebibytes(fullBytes)}`)
  console.log(`  ${'pg_dump | zstd -3'.padEnd(30)} ${peerSeconds.toFixed(2).padStart(7)} s`)
  for (const { name, atLeast, ofFullTime, ofFullBytes } of CHANGES) {
    const { seconds, bytes } = figures.get(name)!
    const [time, size] = [median(seconds), median(bytes)]
    const wanted = [
      ...(atLeast === undefined ? [] : [{ met: peerSeconds / time >= atLeast, text: `${atLeast}×` }]),
      ...(ofFullTime === undefined ? [] : [{ met: time <= fullSeconds * ofFullTime, text: `${ofFullTime * 100} % of a full's time` }]),
      ...(ofFullBytes === undefined ? [] : [{ met: size <= fullBytes * ofFullBytes + MANIFEST_BYTES, text: `${ofFullBytes * 100} % of its bytes` }]),
    ]
    console.log(
      `  ${name.padEnd(30)} ${time.toFixed(2).padStart(7)} s   ${(peerSeconds / time).toFixed(1)}× as fast as pg_dump, ${percent(time / fullSeconds)} of a full's time, ${percent(size / fullBytes)} of its bytes (wanted ${wanted.map(({ text }) => text).join(', ')})${wanted.every(({ met }) => met) ? '' : '  MISSED'}`,
    )
  }
  console.log()
}

/** Manifest, session and journal of a snapshot that stores no chunk. */
const MANIFEST_BYTES = 256 * 1024

const percent = (share: number) => `${(share * 100).toFixed(1)} %`
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
