import { isHoldfastError } from '../../../src/kernel/errors.ts'
import { Prng } from '../../model/prng.ts'
import { type FuzzTarget, fuzzTargets } from './targets.ts'

export interface FuzzOptions {
  readonly inputs: number
  readonly seed: number
  /** Default: everything that is read from a repository. */
  readonly targets?: readonly FuzzTarget[]
  /** Told after every so many inputs. */
  readonly onProgress?: (done: number, rssMiB: number) => void
}

export interface FuzzReport {
  /** For each target: inputs, and how many ended in which code. */
  readonly outcomes: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly slowest: { readonly ms: number; readonly target: string; readonly at: number }
  /** Resident memory: the most during the first 100 000 inputs, in which heaps grow to their size, and during all. */
  readonly rssMiB: { readonly early: number; readonly most: number }
}

/** No single input may take longer. */
const SLOW_MS = 2000
const PROGRESS_EVERY = 10_000
const WARM_INPUTS = 100_000

/** Throws for the first input that ends in anything but a value or an error of the table that fits, or takes too long; the message says how to see it again. */
export async function runFuzz({ inputs, seed, targets: given, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const targets = given ?? (await fuzzTargets())
  const choices = targets.map((target) => [target.weight, target] as const)
  const outcomes = new Map(targets.map(({ name }) => [name, new Map<string, number>()]))
  const chooser = new Prng(seed)
  let slowest = { ms: 0, target: '', at: 0 }
  const rss = { early: 0, most: 0 }
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
    if (at % PROGRESS_EVERY === 0) {
      const now = process.memoryUsage.rss() / 2 ** 20
      if (at <= WARM_INPUTS) rss.early = Math.max(rss.early, now)
      rss.most = Math.max(rss.most, now)
      onProgress?.(at, now)
    }
  }
  return { outcomes, slowest, rssMiB: rss }
}
