import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RestoreRequest } from '../../../src/index.ts'
import { failure } from '../../support/failure.ts'
import { openStory, STORY_PLACES_OF_MAJORS, type Story } from '../../support/story.ts'

// Somebody restored the wrong thing, and others went on writing before it was noticed.
describe.each(STORY_PLACES_OF_MAJORS)('a restore into $dialect under $orm', (place) => {
  let story: Story
  let broken: Awaited<ReturnType<Story['image']>>
  const request = (): RestoreRequest => ({ snapshot: story.snapshot, policy: 'overwrite', deleteExtra: true })
  const restore = (more: Partial<RestoreRequest> = {}) => story.holdfast.restores.restore({ ...request(), ...more })

  beforeAll(async () => {
    story = await openStory(place)
  })
  afterAll(() => story?.close())
  beforeEach(async () => {
    await restore()
    await story.run(
      `DELETE FROM order_line WHERE id <= 5; UPDATE orders SET price = 1 WHERE id <= 10; INSERT INTO customer (id, name) VALUES (700, 'Zoë "O''Hara"'); UPDATE department SET head_id = 1 WHERE id = 1;
       INSERT INTO orders (id, status, price, version, updated_at, customer_id) VALUES (7000, 'new', 5, 1, '2026-03-01 10:11:12', 700)`,
    )
    broken = await story.image()
  })

  it('is undone to the byte, and that is undone too', async () => {
    const done = await restore({ undo: true, by: 'ada' })
    const restored = await story.image()
    expect(done).toMatchObject({ undoable: true, by: 'ada', totals: { create: 5, update: 11, delete: 2 } })
    const undone = await story.holdfast.restores.undo(done.restoreId, { by: 'bob' })
    expect(undone).toMatchObject({ undoes: done.restoreId, undoable: true, by: 'bob', totals: { create: 2, update: 11, delete: 5, keep: 0 } })
    expect(await story.image()).toEqual(broken)
    await story.holdfast.restores.undo(undone.restoreId)
    expect(await story.image()).toEqual(restored)
    const [latest, second, third] = await story.holdfast.restores.history({ limit: 3 })
    expect([latest!.undoes, second!.undoes, third!.restoreId, third!.by]).toEqual([undone.restoreId, done.restoreId, done.restoreId, 'ada'])
  })

  it('is undone after users went on writing: their rows stay, and are named', async () => {
    const done = await restore({ undo: true })
    await story.run(
      `UPDATE orders SET status = 'sent' WHERE id = 3; DELETE FROM order_line WHERE id = 4; INSERT INTO order_line (id, quantity, article, order_id) VALUES (8001, 1, 'mine', 3)`,
    )
    const before = await story.image()
    const error = await failure(story.holdfast.restores.undo(done.restoreId), 'E_UNDO_CONFLICT')
    expect(error.details.rows).toEqual([{ store: 'main', entity: 'Order', key: '[3]', what: 'changed' }])
    expect(await story.image()).toEqual(before)
    const undone = await story.holdfast.restores.undo(done.restoreId, { onConflict: 'keep' })
    expect(undone.totals).toMatchObject({ keep: 1, update: 10, delete: 4, identical: 1 })
    expect(undone.warnings.join()).toContain('Order [3] changed')
    const [three] = await story.rows('SELECT price, status FROM orders WHERE id = 3')
    expect(three).toMatchObject({ status: 'sent', price: 30 })
    expect(await story.rows('SELECT id FROM order_line WHERE id <= 5 OR id = 8001')).toEqual([{ id: 8001 }])
    expect(await story.rows('SELECT price FROM orders WHERE id = 4')).toEqual([{ price: 1 }])
  })

  it('cannot be undone when it did not keep what that takes', async () => {
    const done = await restore()
    expect(done.undoable).toBe(false)
    await failure(story.holdfast.restores.undo(done.restoreId), 'E_UNDO_UNAVAILABLE')
    await failure(story.holdfast.restores.undo('01a1fe1c-9c3e-7000-9dae-58b30be30f40'), 'E_RESTORE_UNKNOWN')
  })

  it('is planned, looked at, and applied exactly as it was shown', async () => {
    const plan = await story.holdfast.restores.plan(request())
    expect(plan).toMatchObject({ rows: 18, problems: 0, totals: { create: 5, update: 11, delete: 2 } })
    expect(await story.image()).toEqual(broken)
    const order = plan.entities.find(({ entity }) => entity === 'Order')!
    expect(order.samples.find(({ key }) => key === '[2]')?.changes).toEqual([{ field: 'price', live: 1, record: 20 }])
    expect((await story.holdfast.restores.plan(request())).hash).toBe(plan.hash)
    expect(await story.holdfast.restores.findPlan(plan.planId)).toEqual(plan)
    const applied = await story.holdfast.restores.apply(plan)
    expect(applied).toMatchObject({ applies: plan.planId, undoable: true, totals: { create: 5, update: 11, delete: 2 } })
    const again = await failure(story.holdfast.restores.apply(plan), 'E_PLAN_APPLIED')
    expect(again.details).toMatchObject({ planId: plan.planId, appliedBy: applied.restoreId })
    expect(`${again.message} ${again.hint}`).toMatch(new RegExp(`applied already, by restore ${applied.restoreId} of .*holdfast undo ${applied.restoreId}`))
    const undone = await story.holdfast.restores.undo(applied.restoreId)
    expect(await story.image()).toEqual(broken)
    // It was taken back: what was planned is to be done again, and when a row has moved, that is what keeps it from being done.
    await story.run(`UPDATE orders SET price = 2 WHERE id = 5`)
    await failure(story.holdfast.restores.apply(plan), 'E_PLAN_STALE')
    await story.run(`UPDATE orders SET price = 1 WHERE id = 5`)
    const { restoreId } = await story.holdfast.restores.apply(plan)
    expect((await failure(story.holdfast.restores.apply(plan), 'E_PLAN_APPLIED')).details).toMatchObject({ appliedBy: restoreId })
    await story.holdfast.restores.undo(restoreId)
    expect(await story.image()).toEqual(broken)
    expect(undone.undoes).toBe(applied.restoreId)
  })

  it('is not applied when rows moved since, and names them', async () => {
    const plan = await story.holdfast.restores.plan(request())
    await story.run(
      `UPDATE orders SET price = 2 WHERE id = 5; DELETE FROM order_line WHERE id = 6; UPDATE customer SET name = 'other' WHERE id = 9; UPDATE orders SET price = 70 WHERE id = 7`,
    )
    const moved = await story.image()
    const error = await failure(story.holdfast.restores.apply(plan.planId), 'E_PLAN_STALE')
    const rows = error.details.rows as readonly { entity: string; key: string; what: string }[]
    expect(rows.map(({ entity, key, what }) => `${entity} ${key} ${what}`).toSorted()).toEqual([
      'Customer [9] changed',
      'Order [5] changed',
      'Order [7] changed',
      'OrderLine [6] disappeared',
    ])
    expect(await story.image()).toEqual(moved)
    await failure(story.holdfast.restores.apply({ planId: plan.planId, hash: 'another' }), 'E_CONFIG')
    await failure(story.holdfast.restores.apply(story.snapshot), 'E_RESTORE_UNKNOWN')
  })
})
