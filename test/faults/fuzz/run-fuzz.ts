import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isHoldfastError } from '../../../src/kernel/errors.ts'
import { Prng } from '../../model/prng.ts'
import { type FuzzTarget, fuzzTargets } from './targets.ts'

export interface FuzzOptions {
  readonly inputs: number
  readonly seed: number
  /** Default: everything that is read from a repository. */
  readonly targets?: readonly FuzzTarget[]
  /** Told after every so many inputs. */
  readonly onProgress?: (done: number, memory: { readonly liveMiB: number; readonly rssMiB: number }) => void
}

export interface FuzzReport {
  /** For each target: inputs, and how many ended in which code. */
  readonly outcomes: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly slowest: { readonly ms: number; readonly target: string; readonly at: number }
  /**
   * What is still held after a collection of garbage, on the heap and beside it: the most in the first half, in which caches fill, and in the second. It does not depend on when garbage is
   * collected, nor on how much of what was freed the allocators keep, as resident memory does.
   */
  readonly liveMiB: { readonly early: number; readonly late: number }
  /** The kernel's own count of the most that was resident at any time. */
  readonly peakMiB: number
}

/** No single input may take longer. */
const SLOW_MS = 2000
const PROGRESS_EVERY = 10_000
const LEAST_LOOKS = 8

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Throws for the first input that ends in anything but a value or an error of the table that fits, or takes too long; the message says how to see it again. */
export async function runFuzz({ inputs, seed, targets: given, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const targets = given ?? (await fuzzTargets())
  const choices = targets.map((target) => [target.weight, target] as const)
  const outcomes = new Map(targets.map(({ name }) => [name, new Map<string, number>()]))
  const chooser = new Prng(seed)
  let slowest = { ms: 0, target: '', at: 0 }
  const live = { early: 0, late: 0 }
  const every = Math.min(PROGRESS_EVERY, Math.ceil(inputs / LEAST_LOOKS))
  for (let at = 0; at < inputs; at++) {
    const target = chooser.weighted(choices)
    const started = performance.now()
    let outcome = 'value'
    try {
      await target.run(chooser.fork())
    } catch (error) {
      if (!isHoldfastError(error) || !target.codes.includes(error.code))
        throw new Error(`input ${at} of seed ${seed}, ${target.name}: not an error that it may end in`, { cause: error })
      outcome = error.code
    }
    const ms = performance.now() - started
    if (ms > slowest.ms) slowest = { ms, target: target.name, at }
    if (ms > SLOW_MS) throw new Error(`input ${at} of seed ${seed}, ${target.name}: took ${Math.round(ms)} ms`)
    const counts = outcomes.get(target.name)!
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
    if (at % every === 0) {
      const now = await liveMiB()
      const half = at < inputs / 2 ? 'early' : 'late'
      live[half] = Math.max(live[half], now)
      onProgress?.(at, { liveMiB: now, rssMiB: process.memoryUsage.rss() / 2 ** 20 })
    }
  }
  return { outcomes, slowest, liveMiB: live, peakMiB: process.resourceUsage().maxRSS / 1024 }
}

/** Twice, with a turn of the event loop between: what is beside the heap is let go of when its owner has gone. */
async function liveMiB(): Promise<number> {
  collect()
  await pause(1)
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}
