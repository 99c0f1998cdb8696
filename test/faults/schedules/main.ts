import { parseArgs } from 'node:util'
import { runSchedules } from './run-schedules.ts'

/** Many fault schedules by hand: `node test/faults/schedules/main.ts --schedules 1000 --seed 1`. Without a seed one is drawn, and printed. */
const { values } = parseArgs({ options: { schedules: { type: 'string', default: '1000' }, seed: { type: 'string' } } })
const schedules = Number(values.schedules)
const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed)
console.log(`${schedules} schedules from seed ${seed}`)
const started = performance.now()
try {
  const tally = await runSchedules({ schedules, seed, onSchedule: (done) => void (done % 50 === 0 && console.log(`${done} schedules`)) })
  for (const [what, count] of [...tally].sort(([a], [b]) => (a < b ? -1 : 1))) console.log(`  ${String(count).padStart(8)}  ${what}`)
  console.log(`${schedules} schedules from seed ${seed}: nothing lost, nothing false, in ${Math.round((performance.now() - started) / 1000)} s`)
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
