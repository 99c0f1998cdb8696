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
    `${histories} histories of ${dialect} from seed ${seed}: every snapshot is the truth of its moment, alone and for good`,
    { timeout: 60_000 + histories * 30_000 },
    async () => {
      const tally = await runHistories({ histories, seed, create: (rng) => databases!.create(rng) })
      if (histories >= 15) for (const what of MUST_HAPPEN) expect([what, tally.get(what) ?? 0]).not.toEqual([what, 0])
    },
  )
}
