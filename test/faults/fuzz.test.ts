import { expect, test } from 'vitest'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { runFuzz } from './fuzz/run-fuzz.ts'

/** The short form of `node test/faults/fuzz/main.ts`, which takes a million. */
const INPUTS = 20_000
const SEED = 20_261_121
/** Growth of what is held after a collection, from the first half of the inputs to the second. */
const FLAT_MIB = 16
/** By which the process may grow at most while one input is parsed. */
const PEAK_MIB = 512

test(`case 36: ${INPUTS} mutated objects, records and tokens end in a value or an error of the table`, { timeout: 120_000 }, async () => {
  const before = process.resourceUsage().maxRSS / 1024
  const { outcomes, liveMiB, peakMiB } = await runFuzz({ inputs: INPUTS, seed: SEED })
  for (const [target, counts] of outcomes) {
    // A target whose inputs are all sound, or that refuses even the sound ones, would prove nothing.
    const refused = [...counts].filter(([code]) => code !== 'value').reduce((sum, [, count]) => sum + count, 0)
    expect(refused, target).toBeGreaterThan(50)
  }
  expect(liveMiB.late - liveMiB.early).toBeLessThan(FLAT_MIB)
  expect(peakMiB - before).toBeLessThan(PEAK_MIB)
})

test('a parser that keeps what it was given is found', async () => {
  const kept: Buffer[] = []
  const run = async (): Promise<void> => void kept.push(Buffer.alloc(4096))
  const { liveMiB } = await runFuzz({ inputs: INPUTS, seed: 7, targets: [{ name: 'hoarder', weight: 1, codes: [], run }] })
  expect(liveMiB.late - liveMiB.early).toBeGreaterThan(FLAT_MIB)
  expect(kept).toHaveLength(INPUTS)
})

test.each([
  ['fails in a way of its own', () => Promise.reject(new TypeError('of undefined')), 'not an error that it may end in'],
  ['fails with an error that is not its own', () => Promise.reject(new HoldfastError('E_STORAGE', 'why?')), 'not an error that it may end in'],
  ['takes too long', () => new Promise<void>((resolve) => setTimeout(resolve, 2100)), 'took 2'],
])('a parser that %s is found, with the seed that shows it again', async (_, run, message) => {
  const targets = [{ name: 'broken', weight: 1, codes: ['E_ARCHIVE_CORRUPT'], run } as const]
  await expect(runFuzz({ inputs: 1, seed: 7, targets })).rejects.toThrow(`input 0 of seed 7, broken: ${message}`)
})
