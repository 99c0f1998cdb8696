import { inspect } from 'node:util'
import { Prng } from '../../model/prng.ts'
import { Schedule, type ScheduleTally } from './schedule.ts'

export interface SchedulesOptions {
  readonly schedules: number
  /** Of the first; the others count up from it. */
  readonly seed: number
  readonly onSchedule?: (done: number) => void
}

/** Runs schedules one after the other; the first in which something is lost or false ends the run, with its seed and what happened in it. */
export async function runSchedules({ schedules, seed, onSchedule }: SchedulesOptions): Promise<ScheduleTally> {
  const tally: ScheduleTally = new Map()
  for (let at = 0; at < schedules; at++) {
    const schedule = new Schedule(new Prng(seed + at), tally)
    try {
      await schedule.run()
    } catch (error) {
      throw new Error(
        `--schedules 1 --seed ${seed + at}: ${error instanceof Error ? error.message : inspect(error)}\n\nWhat happened:\n${schedule.log.join('\n')}`,
        {
          cause: error,
        },
      )
    }
    onSchedule?.(at + 1)
  }
  return tally
}
