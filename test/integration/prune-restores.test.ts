import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import type { PruneReport } from '../../src/catalog/index.ts'
import { createHoldfast, type Holdfast } from '../../src/holdfast.ts'
import { definePlan } from '../../src/plan/index.ts'
import { openSqliteShop, SHOP_SCHEMAS, type SqliteShop } from '../fixtures/sqlite-shop.ts'
import { clockedStorage, type MovableClock, movableClock } from '../support/clocked-storage.ts'
import { collect } from '../support/collect.ts'
import { failure } from '../support/failure.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const DAY = 24 * 60 * 60 * 1000
const plan = definePlan({ id: 'shop', description: 'A shop', entities: [...SHOP_SCHEMAS], policy: { chunkBytes: 64 * 1024 } })

describe('what restores leave', () => {
  const folder = temporaryFolder()
  let shop: SqliteShop
  let clock: MovableClock
  let storage: ReturnType<typeof clockedStorage>
  let holdfast: Holdfast
  let snapshot: string
  const kept = async (id: string) =>
    [...new Set((await collect(storage.list(`s/-/restores/${id}/`))).map(({ key }) => key.slice(`s/-/restores/${id}/`.length).replace(/\/.*/, '')))].toSorted()

  /** What a prune says of these alone. */
  const ofRestores = ({ buckets }: PruneReport) => buckets[0]!.items.filter(({ kind }) => ['plan', 'undo', 'restore'].includes(kind))

  beforeAll(async () => {
    shop = await openSqliteShop(folder.path)
  })
  afterAll(async () => {
    await shop?.dataSource.destroy()
    folder.remove()
  })
  beforeEach(async () => {
    clock = movableClock()
    storage = clockedStorage(memoryStorage(), clock)
    holdfast = await createHoldfast({ stores: [typeormStore(shop.dataSource)], storage, plans: [plan], clock })
    snapshot = (await holdfast.backups.run('shop', { kind: 'full' })).snapshotId
    await shop.dataSource.query("UPDATE customer SET name = 'ruined' WHERE id <= 3")
    return () => holdfast.close()
  })

  it('goes when its time is over: plans, then journals, then all of it', async () => {
    const made = await holdfast.restores.plan({ snapshot, policy: 'overwrite' })
    const done = await holdfast.restores.apply(made)
    expect(await kept(made.planId)).toEqual(['plan', 'plan-rows', 'result'])
    expect(await kept(done.restoreId)).toEqual(['result', 'undo', 'undo-rows'])

    clock.move(7.5 * DAY)
    expect(ofRestores(await holdfast.discovery.prune())).toEqual([])
    clock.move(DAY)
    const look = await holdfast.discovery.prune({ dryRun: true })
    expect(ofRestores(look)).toMatchObject([{ kind: 'plan', name: made.planId, action: 'delete', reason: 'expired' }])
    expect(look.bytesFreed).toBeGreaterThan(0)
    expect(await kept(made.planId)).toContain('plan')
    const first = await holdfast.discovery.prune()
    expect(first).toMatchObject({ bytesFreed: look.bytesFreed })
    expect(await kept(made.planId)).toEqual(['result'])
    expect(await holdfast.restores.findPlan(made.planId)).toBeNull()
    await failure(holdfast.restores.apply(made), 'E_RESTORE_UNKNOWN')

    // The journal is still good …
    const undone = await holdfast.restores.undo(done.restoreId)
    expect(undone.totals.update).toBe(3)
    clock.move(22 * DAY)
    const second = await holdfast.discovery.prune()
    expect(ofRestores(second)).toMatchObject([{ kind: 'undo', name: done.restoreId }])
    // … and no longer; that of the undo, which is younger, is.
    await failure(holdfast.restores.undo(done.restoreId), 'E_UNDO_UNAVAILABLE')
    expect((await holdfast.restores.history()).map(({ restoreId }) => restoreId)).toEqual([undone.restoreId, done.restoreId])
    await holdfast.restores.undo(undone.restoreId)

    clock.move(345 * DAY)
    const third = await holdfast.discovery.prune({ keepRestoresMs: 366 * DAY })
    expect(
      ofRestores(third)
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['restore', 'restore', 'undo', 'undo'])
    expect(await kept(done.restoreId)).toEqual([])
    expect((await holdfast.restores.history()).map(({ restoreId }) => restoreId)).not.toContain(done.restoreId)
    // What there is to restore from is untouched.
    await holdfast.restores.restore({ snapshot, policy: 'overwrite' })
  })

  it('is kept as long as it is told, and never given up in part', async () => {
    const done = await holdfast.restores.restore({ snapshot, policy: 'overwrite', undo: true })
    await failure(holdfast.discovery.prune({ keepUndoMs: DAY - 1 }), 'E_CONFIG')
    await failure(holdfast.discovery.prune({ keepUndoMs: 3 * DAY, keepRestoresMs: 2 * DAY }), 'E_CONFIG')
    clock.move(40 * DAY)
    await holdfast.discovery.prune({ keepUndoMs: 41 * DAY })
    expect(await kept(done.restoreId)).toContain('undo')
    // A prune that was killed when it had taken the head, and nothing else.
    await storage.delete([`s/-/restores/${done.restoreId}/undo/00000000`])
    await failure(holdfast.restores.undo(done.restoreId), 'E_UNDO_UNAVAILABLE')
    await holdfast.discovery.prune()
    expect(await kept(done.restoreId)).toEqual(['result'])
  })
})
