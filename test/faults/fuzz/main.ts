import { parseArgs } from 'node:util'
import { runFuzz } from './run-fuzz.ts'

/** Many mutated inputs by hand: `node test/faults/fuzz/main.ts --inputs 1000000 --seed 1`. Without a seed one is drawn, and printed. */
const { values } = parseArgs({ options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string' } } })
const inputs = Number(values.inputs)
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
/** Growth of resident memory after the first 100 000 inputs that is still called flat. */
const FLAT_MIB = 64
console.log(`${inputs} inputs from seed ${seed}`)
const started = performance.now()
const { outcomes, slowest, rssMiB } = await runFuzz({
  inputs,
  seed,
  onProgress: (done, rss) => {
    if (done % 100_000 === 0) console.log(`${done} inputs, ${Math.round(rss)} MiB`)
  },
})
for (const [target, counts] of outcomes) console.log(`  ${target}: ${[...counts].map(([code, count]) => `${count} ${code}`).join(', ')}`)
console.log(`in ${Math.round((performance.now() - started) / 1000)} s; slowest ${Math.round(slowest.ms)} ms (${slowest.target}, input ${slowest.at})`)
console.log(`resident memory ${Math.round(rssMiB.early)} MiB after 100 000 inputs at most, ${Math.round(rssMiB.most)} MiB in the end`)
if (rssMiB.most - rssMiB.early > FLAT_MIB) {
  console.error(`memory grew by more than ${FLAT_MIB} MiB`)
  process.exitCode = 1
}
