import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { backupRig, codeOf, manifestFaults, planOf } from '../support/backup-rig.ts'
import { heldStorage } from '../support/held-storage.ts'
import { orderRow, SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'

const SMALL = { chunkBytes: 500, concurrency: 3 }

function shop(orders = 200, base = memoryStorage()) {
  const store = shopStore(orders)
  const rig = backupRig({ stores: [store], plan: planOf([store], { policy: SMALL }), storage: base })
  return { store, rig, condemn: async (chunks: readonly string[]) => (await rig.open()).scope().condemned.publish({ listId: uuidv7(), snapshots: [], chunks }) }
}

async function expectTruth({ store, rig }: ReturnType<typeof shop>, snapshotId: string) {
  const manifest = await rig.manifest(snapshotId)
  expect(manifestFaults(manifest)).toEqual([])
  for (const entity of SHOP_ENTITIES) expect(await rig.lines(manifest, entity)).toBe(store.lines(entity))
  return new Set(manifest.entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers.map(({ name }) => name))))
}

describe('a backup beside condemned chunks', () => {
  it('takes none of them over', async () => {
    const made = shop()
    const first = await (await made.rig.start()).result()
    const names = await expectTruth(made, first.snapshotId)
    const condemned = [...names].slice(0, 3)
    await made.condemn(condemned)
    for (const kind of ['full', 'incremental'] as const) {
      const { snapshotId } = await (await made.rig.start(undefined, { kind })).result()
      const taken = await expectTruth(made, snapshotId)
      for (const name of condemned) {
        expect(taken.has(name)).toBe(false)
        expect(taken.has(`${name}.1`)).toBe(true)
      }
    }
  })

  it('does not build on condemned chunks of its parent', async () => {
    const made = shop()
    const first = await (await made.rig.start()).result()
    const condemned = [...(await expectTruth(made, first.snapshotId))].slice(0, 3)
    await made.condemn(condemned)
    made.store.put('Order', orderRow(7, 'changed'))
    const { snapshotId, kind } = await (await made.rig.start(undefined, { kind: 'incremental' })).result()
    expect(kind).toBe('incremental')
    const taken = await expectTruth(made, snapshotId)
    expect(condemned.filter((name) => taken.has(name))).toEqual([])
  })

  it('case 21: does not commit what was condemned while it ran; resumed, it stores it anew', async () => {
    const made = shop()
    const { rig } = made
    const first = await (await rig.start()).result()
    const names = await expectTruth(made, first.snapshotId)
    // It finds its first chunks in place and takes them over, then waits with a new one.
    made.store.put('OrderLine', ...made.store.rows('OrderLine').map((row) => ({ ...row, text: 'new' })))
    const held = heldStorage(rig.storage)
    held.hold()
    const session = await rig.start(held.storage)
    while (held.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    await made.condemn([...names])
    held.release()
    expect(await codeOf(session.result())).toBe('E_CONDEMNED')
    expect(await rig.snapshots()).toEqual([first.snapshotId])

    const { snapshotId } = await (await rig.resume(session.token)).result()
    const taken = await expectTruth(made, snapshotId)
    expect([...names].filter((name) => taken.has(name))).toEqual([])
  })
})
