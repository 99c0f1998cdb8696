import { parseArgs } from 'node:util'
import { runKills } from './run-kills.ts'

/** Many kills by hand: `node test/faults/kills/main.ts --kills 1000 --seed 1`. Without a seed one is drawn, and printed. */
const { values } = parseArgs({ options: { kills: { type: 'string', default: '1000' }, seed: { type: 'string' } } })
const kills = Number(values.kills)
const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed)
console.log(`${kills} kills from seed ${seed}`)
const started = performance.now()
const report = await runKills({ kills, seed, onKill: (done) => void (done % 50 === 0 && console.log(`${done} kills`)) })
console.log(
  `${report.kills} kills from seed ${seed}, ${report.interrupted} of them in the middle of a session, ${report.snapshots} snapshots: nothing lost, nothing false, in ${Math.round((performance.now() - started) / 1000)} s`,
)
