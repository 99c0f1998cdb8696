import { inspect } from 'node:util'
import { History, type Tally } from './history.ts'
import type { ModelDatabase } from './model-database.ts'
import { Prng } from './prng.ts'

export interface RunOptions {
  readonly histories: number
  /** Of the first history; the others count up from it. */
  readonly seed: number
  readonly create: (rng: Prng) => Promise<ModelDatabase>
  readonly onHistory?: (seed: number, ms: number) => void
}

/** `HOLDFAST_HISTORIES` and `HOLDFAST_MODEL_SEED`, or so many histories from a seed of the day's own. */
export function modelSettings(histories = 25): Pick<RunOptions, 'histories' | 'seed'> {
  const { HOLDFAST_HISTORIES: count, HOLDFAST_MODEL_SEED: seed } = process.env
  // A seed that failed is one history.
  return { histories: count ? Number(count) : seed ? 1 : histories, seed: seed ? Number(seed) : Math.floor(Math.random() * 1_000_000_000) }
}

/** Runs histories one after the other; the first that differs from its model ends the run, with its seed and everything that happened in it. */
export async function runHistories({ histories, seed, create, onHistory }: RunOptions): Promise<Tally> {
  const tally: Tally = new Map()
  for (let at = 0; at < histories; at++) {
    const started = Date.now()
    await runHistory(seed + at, create, tally)
    onHistory?.(seed + at, Date.now() - started)
  }
  return tally
}

async function runHistory(seed: number, create: RunOptions['create'], tally: Tally): Promise<void> {
  const rng = new Prng(seed)
  const database = await create(rng)
  const history = new History(rng, database, tally)
  try {
    await history.run()
    await database.drop()
  } catch (error) {
    await database.drop().catch(() => {}) // the first error is the one to know
    const told = history.log.map((line) => (line.length > 400 ? `${line.slice(0, 400)} …` : line))
    throw new Error(`HOLDFAST_MODEL_SEED=${seed}: ${error instanceof Error ? error.message : inspect(error)}\n\nWhat happened:\n${told.join('\n')}`, {
      cause: error,
    })
  }
}
