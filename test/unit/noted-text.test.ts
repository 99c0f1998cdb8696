import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan, type Holdfast } from '../../src/index.ts'
import { failure } from '../support/failure.ts'
import { shopStore } from '../support/shop-store.ts'

describe('who asks, and why', () => {
  let holdfast: Holdfast
  let id: string
  beforeAll(async () => {
    const plan = definePlan({ id: 'shop', description: 'd', entities: ['Order'] })
    holdfast = await createHoldfast({ stores: [shopStore(20)], storage: memoryStorage(), plans: [plan] })
    id = (await holdfast.backups.run('shop')).snapshotId
  })
  afterAll(() => holdfast.close())

  // An entry with anything else in it can be read by nobody, and a ledger that cannot be read refuses every restore.
  it.each([7, {}, ['ada'], true, 'a'.repeat(201)])('are refused where they are no text that can be noted: by %j', async (by) => {
    const { holdId } = await holdfast.discovery.hold(id, { reason: 'a court' })
    await failure(holdfast.discovery.release(holdId, { by: by as string }), 'E_CONFIG')
    await failure(holdfast.discovery.delete(id, { reason: 'a trial', by: by as string }), 'E_CONFIG')
    await failure(holdfast.erasures.erase('Order', 3, { by: by as string }), 'E_CONFIG')
    if (typeof by !== 'string') await failure(holdfast.erasures.erase('Order', 3, { reason: by as unknown as string }), 'E_CONFIG')
    await failure(holdfast.discovery.retain({ keep: { last: 1 }, by: by as string }), 'E_CONFIG')
    await failure(holdfast.discovery.prune({ dryRun: true, by: by as string }), 'E_CONFIG')
    await failure(holdfast.restores.restore({ snapshot: id, dryRun: true, by: by as string }), 'E_CONFIG')
    await failure(holdfast.restores.undo(holdId, { by: by as string }), 'E_CONFIG')
    expect(await holdfast.erasures.list()).toEqual([])
    expect(await holdfast.discovery.audit()).toEqual([])
    expect((await holdfast.discovery.holds()).map((hold) => hold.holdId)).toContain(holdId)
  })
})
