import { parseArgs } from 'node:util'
import { runFuzz } from './run-fuzz.ts'

/** Many mutated inputs by hand: `node test/faults/fuzz/main.ts --inputs 1000000 --seed 1`. Without a seed one is drawn, and printed. */
const { values } = parseArgs({ options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string' } } })
const inputs = Number(values.inputs)
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
/** Growth of what is held, from the first half to the second, that is still called flat. */
const FLAT_MIB = 16
/** No input may make the process larger than this, for however short: what one declares is not taken for granted. */
const PEAK_MIB = 768
console.log(`${inputs} inputs from seed ${seed}`)
const started = performance.now()
const { outcomes, slowest, liveMiB, peakMiB } = await runFuzz({
  inputs,
  seed,
  onProgress: (done, memory) => {
    if (done % 100_000 === 0) console.log(`${done} inputs, ${memory.liveMiB.toFixed(1)} MiB held, ${Math.round(memory.rssMiB)} MiB resident`)
  },
})
for (const [target, counts] of outcomes) console.log(`  ${target}: ${[...counts].map(([code, count]) => `${count} ${code}`).join(', ')}`)
console.log(`in ${Math.round((performance.now() - started) / 1000)} s; slowest ${Math.round(slowest.ms)} ms (${slowest.target}, input ${slowest.at})`)
console.log(
  `held after collections: at most ${liveMiB.early.toFixed(1)} MiB in the first half, ${liveMiB.late.toFixed(1)} MiB in the second; resident ${Math.round(peakMiB)} MiB at most`,
)
if (liveMiB.late - liveMiB.early > FLAT_MIB || peakMiB > PEAK_MIB) {
  console.error(`memory is not flat: what is held grew by more than ${FLAT_MIB} MiB, or more than ${PEAK_MIB} MiB were resident at once`)
  process.exitCode = 1
}
