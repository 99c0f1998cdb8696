import { parseArgs } from 'node:util'
import { modelSettings, runHistories } from './run-histories.ts'
import { openModelDatabases } from './databases.ts'

/** Many histories by hand: `node test/model/main.ts sqlite --histories 500 --seed 1`. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { histories: { type: 'string' }, seed: { type: 'string' }, quiet: { type: 'boolean' } },
})
const settings = modelSettings()
const histories = values.histories === undefined ? settings.histories : Number(values.histories)
const seed = values.seed === undefined ? settings.seed : Number(values.seed)
const databases = await openModelDatabases(positionals[0] ?? 'sqlite')
const slow: [number, number][] = []
let done = 0
try {
  const tally = await runHistories({
    histories,
    seed,
    create: databases.create,
    onHistory: (at, ms) => {
      slow.push([ms, at])
      if (++done % 25 === 0 && !values.quiet) console.log(`${done} histories`)
    },
  })
  console.log(`${histories} histories from seed ${seed}, no difference`)
  for (const [what, count] of [...tally].sort(([a], [b]) => (a < b ? -1 : 1))) console.log(`  ${String(count).padStart(8)}  ${what}`)
  console.log(
    `  slowest: ${slow
      .sort(([a], [b]) => b - a)
      .slice(0, 3)
      .map(([ms, at]) => `seed ${at}: ${ms} ms`)
      .join(', ')}`,
  )
} catch (error) {
  console.error(`after ${done} histories:`, error)
  process.exitCode = 1
} finally {
  await databases.close()
}
