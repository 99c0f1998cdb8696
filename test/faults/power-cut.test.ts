import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import type { BackupKind } from '../../src/export/index.ts'
import { codeOf, backupRig, manifestFaults, planOf } from '../support/backup-rig.ts'
import type { InMemoryStore } from '../support/in-memory-store.ts'
import { recordOperations } from '../support/operation-log.ts'
import { orderRow, SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'

const POLICY = { chunkBytes: 400, concurrency: 3, compression: 'none' as const, level: 0 }

/** Of the writes that were under way none, all, or every other one came through. */
const SURVIVORS: readonly (readonly [string, (n: number) => boolean])[] = [
  ['none', () => false],
  ['all', () => true],
  ['even', (n) => n % 2 === 0],
  ['odd', (n) => n % 2 === 1],
]

const rigOn = (store: InMemoryStore, storage: StorageAdapter) => backupRig({ stores: [store], plan: planOf([store], { policy: POLICY }), storage })
const truthOf = (store: InMemoryStore) => Object.fromEntries(SHOP_ENTITIES.map((entity) => [entity, store.lines(entity)]))

async function contents(rig: ReturnType<typeof rigOn>, id: string): Promise<Record<string, string>> {
  const manifest = await rig.manifest(id)
  expect(manifestFaults(manifest)).toEqual([])
  return Object.fromEntries(await Promise.all(SHOP_ENTITIES.map(async (entity) => [entity, await rig.lines(manifest, entity)] as const)))
}

describe('case 02: power lost at any moment of a backup', () => {
  it.each<[BackupKind, number]>([
    ['full', 0],
    ['incremental', 1],
  ])(
    'leaves no snapshot of a %s run, or the whole one, and a resume makes it whole',
    async (kind, earlier) => {
      const store = shopStore(60, { batchRows: 8 })
      const base = memoryStorage()
      const truths: Record<string, string>[] = []
      for (let n = 0; n < earlier; n++) {
        await (await rigOn(store, base).start()).result()
        truths.push(truthOf(store))
        store.put('Order', ...Array.from({ length: 12 }, (_, id) => orderRow(id * 5, 'moved')))
        store.delete('OrderLine', (row) => Number(row.no) % 9 === 3)
      }
      const log = await recordOperations(base)
      const session = await rigOn(store, log.storage).start(undefined, { kind })
      await session.result()
      truths.push(truthOf(store))
      expect(log.moments).toBeGreaterThan(20)

      let resumed = 0
      let whole = 0
      for (let moment = 0; moment <= log.moments; moment++) {
        for (const [who, survives] of SURVIVORS) {
          const told = `moment ${moment} of ${log.moments}, of the writes under way came through: ${who}`
          const rig = rigOn(store, await log.cutAfter(moment, survives))
          const visible = await rig.snapshots()
          expect(visible.length, told).toBeGreaterThanOrEqual(earlier)
          for (const [n, id] of visible.entries()) expect(await contents(rig, id), told).toEqual(truths[n])
          if (visible.length > earlier) whole++
          if (who === 'all' || who === 'odd') {
            const outcome = await codeOf((async () => (await rig.resume(session.token, undefined, { takeover: true })).result())())
            if (outcome === 'none') resumed++
            // Before its record was there it was no session, and before its file was, no repository.
            else expect(['E_SESSION_CLOSED', 'E_TOKEN_INVALID'], told).toContain(outcome)
            if (outcome !== 'none') await (await rig.start()).result()
            const after = await rig.snapshots()
            expect(after.length, told).toBe(earlier + 1)
            expect(await contents(rig, after.at(-1)!), told).toEqual(truths.at(-1))
          }
        }
      }
      expect(resumed).toBeGreaterThan(log.moments)
      expect(whole).toBeGreaterThan(0)
      expect(whole).toBeLessThan(log.moments * SURVIVORS.length)
    },
    240_000,
  )
})
