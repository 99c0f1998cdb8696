import { expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan } from '../../src/index.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'

it('a list of the newest snapshots reads no more manifests than it shows', async () => {
  const storage = new FaultyStorage(memoryStorage())
  const plans = [definePlan({ id: 'shop', description: 'Orders', entities: [...SHOP_ENTITIES] })]
  const holdfast = await createHoldfast({ stores: [shopStore(5)], storage, plans })
  const ids: string[] = []
  for (let n = 0; n < 8; n++) ids.unshift((await holdfast.backups.run('shop')).snapshotId)
  for (const limit of [0, 1, 3, 8, 20]) {
    storage.operations.length = 0
    const found = await holdfast.discovery.snapshots({ plan: 'shop', limit })
    expect(found.map(({ id }) => id)).toEqual(ids.slice(0, limit))
    expect(storage.operations.filter(({ method, key }) => method === 'get' && key.endsWith('/manifest'))).toHaveLength(Math.min(limit, 8))
  }
  await holdfast.close()
})
