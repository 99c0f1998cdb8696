import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { createHoldfast, definePlan, type Holdfast } from '../../src/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { clockedStorage, movableClock } from '../support/clocked-storage.ts'
import { failure } from '../support/failure.ts'
import { shopStore } from '../support/shop-store.ts'
import { DAY } from '../support/prune-rig.ts'

describe('what takes backups away', () => {
  const clock = movableClock()
  const base = clockedStorage(memoryStorage(), clock)
  let refuses = false
  const read: string[] = []
  const storage: StorageAdapter = {
    ...base,
    put: (key, body, options) => (refuses && key.includes('/audit/') ? Promise.reject(new HoldfastError('E_STORAGE', 'no')) : base.put(key, body, options)),
    get(key, options) {
      if (key.includes('/audit/')) read.push(key)
      return base.get(key, options)
    },
  }
  let holdfast: Holdfast
  const taken: string[] = []
  const told = async () => (await holdfast.discovery.audit()).map(({ act, snapshots, by, reason }) => [act, snapshots.length, by, reason])
  beforeAll(async () => {
    const plan = definePlan({ id: 'shop', description: 'd', entities: ['Order'] })
    holdfast = await createHoldfast({ stores: [shopStore(20)], storage, plans: [plan], clock })
    for (let run = 0; run < 4; run++) {
      clock.move(DAY)
      taken.push((await holdfast.backups.run('shop', { kind: 'full' })).snapshotId)
    }
  })
  afterAll(() => holdfast?.close())

  it('is noted before it is done, and not done where it cannot be noted', async () => {
    const [first] = taken as [string]
    const { holdId } = await holdfast.discovery.hold(first, { reason: 'a court' })
    refuses = true
    await failure(holdfast.discovery.release(holdId, { by: 'eve' }), 'E_STORAGE')
    await failure(holdfast.discovery.delete(taken[1]!, { reason: 'a trial', by: 'eve' }), 'E_STORAGE')
    refuses = false
    expect(await holdfast.discovery.holds()).toMatchObject([{ holdId }])
    expect(await holdfast.discovery.snapshots()).toHaveLength(4)
    expect(await told()).toEqual([])

    await holdfast.discovery.release(holdId, { by: 'ada' })
    await holdfast.discovery.delete(first, { reason: 'a trial', by: 'ada' })
    expect(await told()).toEqual([
      ['snapshot-deleted', 1, 'ada', 'a trial'],
      ['hold-released', 1, 'ada', 'a court'],
    ])
  })

  it('outlives the snapshot, and tells of retention and prune', async () => {
    await holdfast.discovery.retain({ keep: { last: 2 }, by: 'ada' })
    for (let run = 0; run < 2; run++) {
      clock.move(DAY)
      await holdfast.discovery.prune({ allowMoreThanHalf: true, by: 'bob' })
    }
    expect(await holdfast.discovery.audit({ limit: 2 })).toMatchObject([
      { act: 'pruned', by: 'bob', snapshots: expect.arrayContaining(taken.slice(0, 2)) },
      { act: 'snapshot-deleted', snapshots: [taken[1]], by: 'ada', reason: 'retention of plan shop: {"last":2}' },
    ])
    expect(await told()).toHaveLength(4)
    await failure(holdfast.discovery.audit({ limit: 0 }), 'E_CONFIG')
    // Entries stay for good: the newest are told without reading all.
    read.length = 0
    await holdfast.discovery.audit({ limit: 1 })
    expect(read).toHaveLength(1)
    await failure(holdfast.discovery.audit({ scope: '' }), 'E_SCOPE')
  })
})
