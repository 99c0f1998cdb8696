import { changedDatabase, onDatabase } from './databases.ts'
import { median } from './median.ts'
import { runLane } from './run-lane.ts'
import { storedBytes } from './stored-bytes.ts'

/** Two snapshots that differ in the newest 1 % of the rows, compared; and one record of a snapshot, read. */
export async function benchCompare(rows: number, runs: number, out: string): Promise<void> {
  const repository = `${out}/compare`
  const url = await changedDatabase(rows)
  await runLane('export-holdfast', [url, repository])
  const first = await storedBytes(repository)
  await onDatabase(url, (client) => client.query(`UPDATE orders SET note = note || '.' WHERE id > (SELECT max(id) - count(*) / 100 FROM orders)`))
  await runLane('incremental-holdfast', [url, repository])
  const both = 2 * first
  const seen: { compared: { seconds: number; bytes: number }; record: { seconds: number; objects: number } }[] = []
  for (let run = 0; run < runs; run++) seen.push((await runLane('compare-holdfast', [url, repository])).facts as never)
  const share = median(seen.map(({ compared }) => compared.bytes)) / both
  const milliseconds = median(seen.map(({ record }) => record.seconds)) * 1000
  const objects = median(seen.map(({ record }) => record.objects))
  console.log('reading snapshots')
  console.log(
    `  two that differ in the newest 1 %  ${median(seen.map(({ compared }) => compared.seconds)).toFixed(2)} s, ${(share * 100).toFixed(1)} % of reading both (wanted 5 %)${share > 0.05 ? '  MISSED' : ''}`,
  )
  console.log(
    `  one record of ${rows.toLocaleString('en')}  ${milliseconds.toFixed(0)} ms, ${objects} objects (wanted 100 ms, 3)${milliseconds > 100 || objects > 3 ? '  MISSED' : ''}`,
  )
  console.log()
}
