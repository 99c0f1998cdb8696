import { afterEach, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { Hooks, StorageAdapter } from '../../src/contracts/index.ts'
import { createHoldfast, type Holdfast } from '../../src/holdfast.ts'
import { definePlan, type PolicyDeclaration } from '../../src/plan/index.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { TENANTS, tenantPlan } from '../fixtures/tenants/tenant-shop.ts'
import { failure } from '../support/failure.ts'
import { SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'
import { openTenantRig } from '../support/tenant-rig.ts'

let holdfast: Holdfast | undefined
afterEach(async () => {
  await holdfast?.close()
  holdfast = undefined
})

async function boot(
  retention: PolicyDeclaration['retention'],
  { storage = memoryStorage(), hooks = {} }: { readonly storage?: StorageAdapter; readonly hooks?: Hooks } = {},
): Promise<Holdfast> {
  await holdfast?.close()
  const store = shopStore(20)
  const plans = [
    definePlan({ id: 'shop', description: 'Orders', entities: SHOP_ENTITIES, policy: retention === undefined ? {} : { retention } }),
    definePlan({ id: 'other', description: 'Orders, too', entities: SHOP_ENTITIES }),
  ]
  holdfast = await createHoldfast({ stores: [store], storage, plans, hooks })
  return holdfast
}
const idsOf = async ({ discovery }: Holdfast, plan: string): Promise<string[]> => (await discovery.snapshots({ plan })).map(({ id }) => id).toReversed()

describe('the retention of a policy', () => {
  it('is carried out after each backup, of its plan alone, when the hooks of the application have seen what is there', async () => {
    const seen: number[] = []
    const hooks: Hooks = { afterBackup: async () => void seen.push((await holdfast!.discovery.snapshots({ plan: 'shop' })).length) }
    const { backups } = await boot({ last: 2 }, { hooks })
    const ids: string[] = []
    for (let n = 0; n < 4; n++) {
      ids.push((await backups.run('shop')).snapshotId)
      await backups.run('other')
    }
    expect(await idsOf(holdfast!, 'shop')).toEqual(ids.slice(2))
    expect(await idsOf(holdfast!, 'other')).toHaveLength(4)
    expect(seen).toEqual([1, 1, 2, 2, 3, 2, 3, 2])
    const { hooks: records, warnings } = await backups.run('shop')
    expect(records.at(-1)).toMatchObject({ hook: 'afterBackup', of: 'plan', outcome: 'done', note: 'retention: 1 snapshot deleted, 2 kept' })
    expect(warnings).toEqual([])
  })

  it('is done for a backup that was paused and resumed, and not before it is committed', async () => {
    const { backups } = await boot({ last: 1 })
    const first = await backups.run('shop')
    const session = await backups.start('shop')
    const token = await session.pause()
    const done = await (await backups.resume(token)).result()
    expect(done.snapshotId).toBe(session.id)
    expect(await idsOf(holdfast!, 'shop')).toEqual([session.id])
    expect(first.hooks.at(-1)).toMatchObject({ note: 'retention: 0 snapshots deleted, 1 kept' })
  })

  it('that is refused, or cannot be carried out, is a warning of a backup that is there', async () => {
    const base = memoryStorage()
    const storage = new FaultyStorage(base, () => undefined)
    const { backups } = await boot(undefined, { storage })
    const ids: string[] = []
    for (let n = 0; n < 4; n++) ids.push((await backups.run('shop')).snapshotId)
    const strict = await boot({ last: 1 }, { storage })
    const refused = await strict.backups.run('shop')
    ids.push(refused.snapshotId)
    expect(refused.warnings).toEqual([expect.stringContaining('4 of 5 snapshots')])
    expect(refused.hooks.at(-1)).toMatchObject({ outcome: 'failed', error: expect.stringContaining('more than half') })
    expect(await idsOf(strict, 'shop')).toEqual(ids)

    const careful = await boot({ last: 4 }, { storage })
    storage.script = ({ method, key }) => (method === 'put' && key.includes('/tombstones/') ? { kind: 'error', when: 'before' } : undefined)
    const failed = await careful.backups.run('shop')
    expect(failed.warnings).toEqual([expect.stringMatching(/afterBackup of the plan failed/)])
    storage.assertFired()
    expect(await idsOf(careful, 'shop')).toEqual([...ids, failed.snapshotId])
  })

  it('of a plan with tenants takes snapshots of the tenant that was backed up, and of no other', async () => {
    const rig = await openTenantRig({ dialect: 'sqlite', orm: 'TypeORM' })
    try {
      holdfast = await rig.again({ plans: [tenantPlan(rig.store, { policy: { chunkBytes: 64 * 1024, retention: { last: 1 } } })] })
      const [own, other] = TENANTS
      const others = [await rig.backUp(other), await rig.backUp(other)]
      await holdfast.backups.run('shop', { scope: own })
      const { snapshotId, warnings } = await holdfast.backups.run('shop', { scope: own })
      expect(warnings).toEqual([])
      const visible = async (scope: string) => (await holdfast!.discovery.snapshots({ scope })).map(({ id }) => id).toReversed()
      expect(await visible(own)).toEqual([snapshotId])
      expect(await visible(other)).toEqual(others)
    } finally {
      await rig.close()
    }
  })

  it.each<[string, unknown, string]>([
    ['keeps nothing', {}, '`policy.retention` keeps nothing'],
    ['has an unknown rule', { dayly: 3 }, 'did you mean `daily`?'],
    ['is no object', 7, 'not an object'],
    ['has a size of nothing', { maxBytes: 0 }, '`policy.retention.maxBytes` is 0'],
  ])('that %s is refused with the plan', async (_, retention, message) => {
    const error = await failure(boot(retention as never), 'E_PLAN_INVALID')
    expect(error.message).toContain(message)
  })
})
