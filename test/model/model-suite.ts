import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ModelDatabases, openModelDatabases } from './databases.ts'
import { modelSettings, runHistories } from './run-histories.ts'

/** Each of these must have happened, or the histories prove less than they seem to. */
const MUST_HAPPEN = [
  'backups completed by resuming',
  'ranges of several layers',
  'ranges reused',
  'chunks pruned',
  'survivors restored',
  'restores over live rows',
]

/** As many as take less than a minute on a quiet machine of two cores. */
const HISTORIES: Readonly<Record<string, number>> = { sqlite: 25, postgres: 15, mysql: 15 }

/** Histories that are added while something has not happened. */
const MORE = 30

/** Random histories of one dialect. The seed stands in the name of the test and in every failure. */
export function modelSuite(dialect: string): void {
  const { histories, seed } = modelSettings(HISTORIES[dialect])
  let databases: ModelDatabases | undefined

  beforeAll(async () => {
    databases = await openModelDatabases(dialect)
  })
  afterAll(async () => {
    await databases?.close()
  })

  it(
    `case 29, 30: ${histories} histories of ${dialect} from seed ${seed}: every snapshot is the truth of its moment, alone and for good`,
    { timeout: 60_000 + (histories + MORE) * 30_000 },
    async () => {
      const tally = new Map(await runHistories({ histories, seed, create: (rng) => databases!.create(rng) }))
      if (histories < 15) return
      const missing = () => MUST_HAPPEN.filter((what) => !tally.get(what))
      // Once in a hundred runs or so chance leaves one of them out.
      for (let more = 0; more < MORE && missing().length > 0; more++)
        for (const [what, times] of await runHistories({ histories: 1, seed: seed + histories + more, create: (rng) => databases!.create(rng) }))
          tally.set(what, (tally.get(what) ?? 0) + times)
      expect(missing()).toEqual([])
    },
  )
}
