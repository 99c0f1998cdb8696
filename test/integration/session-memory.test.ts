import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import type { EntityStore } from '../../src/contracts/index.ts'
import { createHoldfast, definePlan, type Holdfast } from '../../src/index.ts'
import { openSqliteShop, SHOP_SCHEMAS, type SqliteShop } from '../fixtures/sqlite-shop.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

let folder: ReturnType<typeof temporaryFolder>
let shop: SqliteShop
let holdfast: Holdfast | undefined
afterEach(async () => {
  await holdfast?.close()
  await shop.dataSource.destroy()
  folder.remove()
})

/** Collects garbage until the object is gone, or long enough to say that something keeps it. */
async function isForgotten(object: WeakRef<object>): Promise<boolean> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let round = 0; round < 20 && object.deref(); round++) {
    await setImmediate()
    collect()
  }
  return object.deref() === undefined
}

/** Descriptors stand in every manifest: with one of them its manifest is there. */
function watched(store: EntityStore): { readonly store: EntityStore; readonly descriptors: WeakRef<object>[] } {
  const descriptors: WeakRef<object>[] = []
  return {
    descriptors,
    store: {
      ...store,
      async openView(options) {
        const view = await store.openView(options)
        descriptors.push(new WeakRef(view.entities[0]!))
        return view
      },
      async openTarget(options) {
        const target = await store.openTarget(options)
        const { stage, merge } = target
        // `record` is the descriptor of the manifest.
        target.stage = (item, more) => (descriptors.push(new WeakRef(item.record)), stage.call(target, item, more))
        target.merge = (items, more) => (descriptors.push(new WeakRef(items[0]!.record)), merge.call(target, items, more))
        return target
      },
    },
  }
}

it('sessions that have ended keep their results, and nothing of what they worked with', async () => {
  folder = temporaryFolder()
  shop = await openSqliteShop(folder.path)
  const { store, descriptors } = watched(typeormStore(shop.dataSource))
  const plan = definePlan({ id: 'shop', description: 'Orders and all they need', entities: [...SHOP_SCHEMAS] })
  holdfast = await createHoldfast({ stores: [store], storage: fsStorage({ root: `${folder.path}/backups` }), plans: [plan] })
  const { snapshotId } = await holdfast.backups.run('shop')
  const token = holdfast.backups.session(snapshotId)!.token
  await holdfast.restores.restore({ snapshot: snapshotId, policy: 'overwrite' })
  const paused = await holdfast.backups.start('shop')
  await paused.pause()
  expect(descriptors.length).toBeGreaterThanOrEqual(3)
  for (const descriptor of descriptors) expect(await isForgotten(descriptor)).toBe(true)
  expect((await holdfast.backups.session(snapshotId)!.result()).snapshotId).toBe(snapshotId)
  expect((await (await holdfast.backups.resume(token)).result()).snapshotId).toBe(snapshotId)
  await (await holdfast.backups.resume(paused.token)).result()
})
