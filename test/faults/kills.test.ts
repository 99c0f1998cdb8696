import { expect, test } from 'vitest'
import { generationFaults, nextGeneration, openGenerations } from './kills/generations.ts'
import { runKills } from './kills/run-kills.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** The short form of `node test/faults/kills/main.ts`, which takes a thousand. */
const KILLS = 8
const SEED = Math.floor(Math.random() * 1_000_000)

test(
  `case 01: kill -9, ${KILLS} times, of a process that backs SQLite up to files (seed ${SEED}): nothing lost, nothing false`,
  { timeout: 240_000 },
  async () => {
    const { kills, interrupted, snapshots } = await runKills({ kills: KILLS, seed: SEED })
    expect(kills).toBe(KILLS)
    expect(interrupted).toBeGreaterThan(0)
    expect(snapshots).toBeGreaterThan(0)
  },
)

test('records of two generations are found', () => {
  const folder = temporaryFolder()
  const { file } = openGenerations(folder.path)
  try {
    const lines = (table: string) =>
      file.app
        .prepare(`SELECT * FROM ${table} ORDER BY id`)
        .all([])
        .map((row) => JSON.stringify(row))
        .join('\n')
    const before = lines('thing')
    expect(generationFaults(lines('generation'), before)).toEqual([])
    for (let n = 0; n < 10; n++) nextGeneration(file)
    expect(generationFaults(lines('generation'), lines('thing'))).toEqual([])
    expect(generationFaults(lines('generation'), before).length).toBeGreaterThan(100)
    expect(generationFaults(lines('generation'), lines('thing').split('\n').slice(1).join('\n'))).toEqual(['199 things'])
  } finally {
    file.close()
    folder.remove()
  }
})
