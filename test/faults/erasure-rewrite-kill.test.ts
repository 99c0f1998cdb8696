import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/archive/index.ts'
import { recordOperations } from '../support/operation-log.ts'
import { contentOf, eraseAll, erasuresOver, marksIn, pruneAll, rewriteRig, rigOver } from '../support/rewrite-rig.ts'

/** Of the writes that were under way none, all, or every other one came through. */
const SURVIVORS: readonly (readonly [string, (n: number) => boolean])[] = [
  ['none', () => false],
  ['all', () => true],
  ['odd', (n) => n % 2 === 1],
]

describe('a rewrite of snapshots that is killed at any of its operations', () => {
  it('leaves each snapshot, old or new or both, and the next one comes to the same end', async () => {
    const { store, base, ids, truths } = await rewriteRig()
    const log = await recordOperations(base)
    const [first] = await eraseAll(erasuresOver(store, log.storage))
    expect(first!.rewrite!.snapshots.map(({ id }) => id)).toEqual(ids)
    const clean = await rigOver(store, base).snapshots()
    expect(log.moments).toBeGreaterThan(40)

    const seen = { old: 0, both: 0, replaced: 0 }
    for (let moment = 0; moment <= log.moments; moment++) {
      for (const [who, survives] of SURVIVORS) {
        const told = `moment ${moment} of ${log.moments}, of the writes under way came through: ${who}`
        const storage = await log.cutAfter(moment, survives)
        const rig = rigOver(store, storage)
        const there: Manifest[][] = ids.map(() => [])
        for (const id of await rig.snapshots()) {
          const manifest = await rig.manifest(id)
          there[Number(manifest.metadata.n)]!.push(manifest)
        }
        for (const [n, id] of ids.entries()) {
          expect(there[n]!.length, told).toBeGreaterThan(0)
          for (const manifest of there[n]!) expect(await contentOf(rig, manifest), told).toEqual(truths[n])
          if (there[n]!.length > 1) seen.both++
          else if (there[n]![0]!.snapshotId === id) seen.old++
          else seen.replaced++
        }
        if (who === 'odd') continue
        await eraseAll(erasuresOver(store, storage))
        expect(await rig.snapshots(), told).toEqual(clean)
        await pruneAll(storage)
        expect(await marksIn(storage), told).toEqual([])
        for (const [n, id] of clean.entries()) expect(await contentOf(rig, await rig.manifest(id)), told).toEqual(truths[n])
      }
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10)
  }, 240_000)
})
