import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fix, type RestoreRequest } from '../../../src/index.ts'
import { failure } from '../../support/failure.ts'
import { openStory, STORY_PLACES, type Story } from '../../support/story.ts'

// Orders come back before the customers that they belong to, and a record or two is beyond help for the moment.
describe.each(STORY_PLACES)('a restore into $dialect under $orm that goes on without some records', { timeout: 300_000 }, (place) => {
  let story: Story
  let whole: Awaited<ReturnType<Story['image']>>
  /** Orders of customers 4 and 5: `1 + i % 60`; then `i % 60` is 3 or 4. */
  const lost = 'customer_id IN (4, 5)'
  const asked = (more: Partial<RestoreRequest> = {}): RestoreRequest => ({
    snapshot: story.snapshot,
    entities: ['Order', 'OrderLine', 'order_tag'],
    policy: 'overwrite',
    continueOnError: 1000,
    ...more,
  })
  const restore = (more: Partial<RestoreRequest> = {}) => story.holdfast.restores.restore(asked(more))
  const names = (entries: readonly { entity: string; key: string | null }[]) => entries.map(({ entity, key }) => `${entity} ${key}`)

  beforeAll(async () => {
    story = await openStory(place)
    whole = await story.image()
  })
  afterAll(() => story?.close())
  beforeEach(async () => {
    await story.holdfast.restores.restore({ snapshot: story.snapshot, policy: 'overwrite', deleteExtra: true })
    // 14 orders of the two, their 35 lines and 14 tags are gone, with the customers; and another order was changed.
    await story.run(
      `DELETE FROM order_line WHERE order_id IN (SELECT id FROM orders WHERE ${lost}); DELETE FROM order_tag WHERE order_id IN (SELECT id FROM orders WHERE ${lost});
       DELETE FROM orders WHERE ${lost}; DELETE FROM customer WHERE id IN (4, 5); UPDATE orders SET price = 1 WHERE id = 1`,
    )
  })

  it('replays the failed rows after the missing parent arrived', async () => {
    const counts = { orders: 0, lines: 0 }
    for (let i = 1; i <= 400; i++) if ([3, 4].includes(i % 60)) counts.orders++
    for (let i = 1; i <= 1000; i++) if ([3, 4].includes((1 + ((i - 1) % 400)) % 60)) counts.lines++
    const partial = await restore()
    const failed = counts.orders * 2 + counts.lines
    expect(partial).toMatchObject({ status: 'PartiallyRestored', problems: failed, replays: null, totals: { update: 1, create: 0, failed } })
    for (const { records, create, update, identical, keep, absent, failed: left } of partial.entities)
      expect(create + update + identical + keep + absent + left).toBe(records)
    const diagnostics = (await story.holdfast.restores.diagnostics(partial.restoreId))!
    expect(diagnostics).toMatchObject({ total: failed, causes: { 'missing-parent': failed }, code: null })
    expect(diagnostics).not.toHaveProperty('kept')
    expect(diagnostics.entries.find(({ entity }) => entity === 'Order')).toMatchObject({
      store: 'main',
      key: '[3]',
      line: 3,
      cause: 'missing-parent',
      attempt: 1,
    })

    // Nobody is back yet: all fail again, which is an error, and counts as a try.
    const error = await failure(story.holdfast.restores.replay(partial.restoreId), 'E_RESTORE_REJECTED')
    expect(error.hint).toContain('missing parents')
    const again = (await story.holdfast.restores.diagnostics(error.details.restoreId as string))!
    expect(again.entries.every(({ attempt }) => attempt === 2)).toBe(true)

    await story.run(`INSERT INTO customer (id, name, email) VALUES (4, 'customer 4', 'c4@example.org')`)
    const half = await story.holdfast.restores.replay(diagnostics)
    expect(half).toMatchObject({ status: 'PartiallyRestored', replays: partial.restoreId, undoable: true, totals: { update: 0 } })
    expect(half.totals.create + half.totals.failed).toBe(failed)
    const left = (await story.holdfast.restores.diagnostics(half.restoreId))!
    expect(left.entries.every(({ attempt }) => attempt === 3)).toBe(true)
    expect(names(left.entries)).toContain('Order [4]')
    expect(names(left.entries)).not.toContain('Order [3]')

    await story.run(`INSERT INTO customer (id, name, email) VALUES (5, 'customer 5', 'c5@example.org')`)
    const done = await story.holdfast.restores.replay(half.restoreId)
    expect(done).toMatchObject({ status: 'completed', replays: partial.restoreId, problems: 0, totals: { create: half.totals.failed, failed: 0 } })
    expect(await story.image()).toEqual(whole)

    const twice = await story.holdfast.restores.replay(partial.restoreId)
    expect(twice).toMatchObject({ status: 'completed', totals: { records: 0, create: 0 } })
    expect(twice.warnings.join()).toContain('nothing is left')
    expect(await story.holdfast.restores.result(twice.restoreId)).toBeNull()

    // Taken back, its rows are out again, and only those.
    await story.holdfast.restores.undo(done.restoreId)
    expect((await story.rows(`SELECT id FROM orders WHERE customer_id = 5`)).length).toBe(0)
    const redone = await story.holdfast.restores.replay(partial.restoreId)
    expect(redone.totals).toMatchObject({ records: half.totals.failed, create: half.totals.failed })
    expect(await story.image()).toEqual(whole)
    expect((await story.holdfast.restores.history({ limit: 2 })).map(({ replays, undoes }) => replays ?? undoes)).toEqual([partial.restoreId, done.restoreId])
  })

  it('finds rows that somebody restored by hand: an equal one is done, another is for the policy', async () => {
    const refused = restore({ policy: 'fail', entities: ['Order'] })
    await failure(refused, 'E_RESTORE_CONFLICT') // the changed order is a conflict, which is no failure
    const { restoreId } = await restore({ policy: 'skip', entities: ['Order'] })
    await story.run(`INSERT INTO customer (id, name, email) VALUES (4, 'customer 4', 'c4@example.org'), (5, 'customer 5', 'c5@example.org');
      INSERT INTO orders (id, status, price, version, updated_at, customer_id) SELECT 3, status, 30, version, updated_at, 4 FROM orders WHERE id = 2;
      INSERT INTO orders (id, status, price, version, updated_at, customer_id) SELECT 4, status, 41, version, updated_at, 5 FROM orders WHERE id = 2`)
    const error = await failure(story.holdfast.restores.replay(restoreId, { policy: 'fail' }), 'E_RESTORE_CONFLICT')
    expect(JSON.stringify(error.details)).toContain('[4]')
    const done = await story.holdfast.restores.replay(restoreId)
    expect(done).toMatchObject({ status: 'completed', totals: { identical: 1, keep: 1 } })
    expect(await story.rows('SELECT price FROM orders WHERE id IN (3, 4) ORDER BY id')).toEqual([{ price: 30 }, { price: 41 }])
  })

  it('mends records on their way, and only those that are meant', async () => {
    const { restoreId } = await restore({ entities: ['Order'] })
    const moved = fix(story.entity('Order'), (order) => ({ ...order, 'customer.id': 1 }))
    const done = await story.holdfast.restores.replay(restoreId, { fix: [moved], only: ({ key }) => key === '[3]', by: 'ada' })
    expect(done).toMatchObject({ status: 'completed', by: 'ada', totals: { records: 1, create: 1 } })
    expect(await story.rows('SELECT customer_id FROM orders WHERE id = 3')).toEqual([{ customer_id: 1 }])
    // It is in, whatever the record says: the rest is tried without it.
    const error = await failure(story.holdfast.restores.replay(restoreId), 'E_RESTORE_REJECTED')
    const { entries } = (await story.holdfast.restores.diagnostics(error.details.restoreId as string))!
    expect(names(entries)).not.toContain('Order [3]')
  })

  it('refuses what is more than may fail, and writes nothing', async () => {
    const before = await story.image()
    const error = await failure(restore({ continueOnError: 3 }), 'E_RESTORE_REJECTED')
    expect(error.message).toMatch(/continueOnError` lets 3 fail/)
    expect(error.message).toContain('Order [3]')
    expect(await story.image()).toEqual(before)
    await failure(story.holdfast.restores.replay(error.details.restoreId as string), 'E_REPLAY_UNAVAILABLE')
    await failure(restore({ deleteExtra: true }), 'E_CONFIG')
    await failure(restore({ continueOnError: -1 }), 'E_CONFIG')
    const look = await restore({ dryRun: true })
    expect(look).toMatchObject({ status: 'planned' })
    expect(look.problems).toBeGreaterThan(14)
    await failure(story.holdfast.restores.replay(look.restoreId), 'E_REPLAY_UNAVAILABLE')
    await failure(story.holdfast.restores.replay(story.snapshot), 'E_RESTORE_UNKNOWN')
    expect(await story.image()).toEqual(before)
  })

  it('is planned with what it goes on without, and applied like that', async () => {
    const plan = await story.holdfast.restores.plan(asked())
    expect(plan).toMatchObject({ rows: 1, totals: { update: 1, create: 0 } })
    const applied = await story.holdfast.restores.apply(plan)
    expect(applied).toMatchObject({ status: 'PartiallyRestored', applies: plan.planId, totals: { update: 1, failed: plan.totals.failed } })
    await story.run(`INSERT INTO customer (id, name, email) VALUES (4, 'customer 4', 'c4@example.org'), (5, 'customer 5', 'c5@example.org')`)
    await story.holdfast.restores.replay(applied.restoreId)
    expect(await story.image()).toEqual(whole)
  })

  // Last, because nothing takes an erasure back.
  it('leaves out what was erased since', async () => {
    const { restoreId } = await restore({ entities: ['Order'] })
    await story.run(`INSERT INTO customer (id, name, email) VALUES (4, 'customer 4', 'c4@example.org'), (5, 'customer 5', 'c5@example.org')`)
    await story.holdfast.erasures.erase(story.entity('Order'), 4, { reason: 'asked to' })
    const done = await story.holdfast.restores.replay(restoreId)
    expect(done.erased).toEqual([{ store: 'main', entity: 'Order', records: 1 }])
    expect(await story.rows('SELECT id FROM orders WHERE id IN (3, 4)')).toEqual([{ id: 3 }])
  })
})
