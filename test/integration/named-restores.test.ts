import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineRestore, pick } from '../../src/index.ts'
import { failure } from '../support/failure.ts'
import { openStory, STORY_PLACES, type Story } from '../support/story.ts'

const DAY = defineRestore({
  id: 'paid-orders',
  description: 'Paid orders with their lines, as they were',
  plan: 'shop',
  select: [pick('Order', { where: { status: 'paid' } })],
  related: { children: ['OrderLine'] },
  policy: 'overwrite',
  undo: true,
})

const PRICES = defineRestore({
  id: 'prices',
  description: 'Prices of orders, and nothing else of them',
  plan: 'shop',
  select: [pick('Order', { fields: ['price'] as never })],
  policy: 'overwrite',
})

// What will have to be done at a bad moment is thought of at a good one.
describe.each(STORY_PLACES.filter(({ dialect, orm }) => (dialect === 'sqlite') === (orm === 'TypeORM')))(
  'a named restore into $dialect under $orm',
  (place) => {
    let story: Story
    let whole: Awaited<ReturnType<Story['image']>>
    beforeAll(async () => {
      story = await openStory(place, { restores: [DAY, PRICES] })
      whole = await story.image()
    })
    afterAll(() => story?.close())

    it('is run by its name, as often as it is needed', async () => {
      const { restores } = story.holdfast
      expect(restores.listNamed().map(({ id }) => id)).toEqual(['paid-orders', 'prices'])
      for (const by of ['ada', 'bob']) {
        await story.run(`UPDATE orders SET status = 'lost' WHERE id <= 3; DELETE FROM order_line WHERE order_id <= 3`)
        const look = await restores.restore(restores.named('paid-orders', { dryRun: true }))
        expect(look).toMatchObject({ status: 'planned', totals: { create: 9, update: 3 } })
        const done = await restores.restore(restores.named('paid-orders', { by }))
        expect(look.name).toBe('paid-orders')
        expect(done).toMatchObject({ by, name: 'paid-orders', undoable: true, snapshotId: story.snapshot, totals: { create: 9, update: 3 } })
        expect(await story.image()).toEqual(whole)
        const undone = await restores.undo(done.restoreId)
        expect(undone).toMatchObject({ name: null, undoes: done.restoreId })
        expect((await restores.history({ limit: 2 })).map(({ restoreId, name }) => [restoreId, name])).toEqual([
          [undone.restoreId, null],
          [done.restoreId, 'paid-orders'],
        ])
        await restores.restore(restores.named('paid-orders'))
        expect(await story.image()).toEqual(whole)
      }
    })

    it('is of the newest snapshot, or of the newest at a point in time, and can be planned', async () => {
      const { restores } = story.holdfast
      const { times } = (await story.holdfast.discovery.open(story.snapshot)).manifest
      await story.run('UPDATE orders SET price = 0 WHERE id = 1')
      const later = await story.backup()
      expect((await restores.restore(restores.named('prices', { dryRun: true }))).snapshotId).toBe(later)
      const plan = await restores.plan(restores.named('prices', { at: times.viewAt }))
      expect(plan).toMatchObject({ snapshotId: story.snapshot, rows: 1 })
      expect(await restores.apply(plan, { by: 'ada' })).toMatchObject({ by: 'ada', name: 'prices', totals: { update: 1 } })
      expect((await restores.history({ limit: 1 }))[0]).toMatchObject({ name: 'prices', applies: plan.planId })
      expect(await story.image()).toEqual(whole)
      await failure(restores.restore(restores.named('prices', { at: '2001-01-01T00:00:00Z' })), 'E_SNAPSHOT_UNKNOWN')
    })

    it('gives its name to nothing else', async () => {
      const { restores } = story.holdfast
      const request = restores.named('prices', { dryRun: true })
      for (const other of [
        { ...request, policy: 'skip' as const },
        { ...request, select: [pick('Order', { fields: ['status'] as never })] },
        { ...request, snapshot: { plan: 'shop', series: 'another' } },
        { ...request, undo: true },
      ]) {
        for (const run of [() => restores.restore(other), () => restores.start(other), () => restores.plan(other)])
          expect((await failure(run(), 'E_CONFIG')).message).toContain('prices')
      }
      await failure(restores.restore({ ...request, name: 'price' }), 'E_RESTORE_UNKNOWN')
      expect(await restores.restore({ ...request, snapshot: story.snapshot })).toMatchObject({ name: 'prices' })
      const { name: _, ...nameless } = request
      expect(await restores.restore({ ...nameless, policy: 'skip' })).toMatchObject({ name: null })
    })

    it('is refused under a name that nobody declared, and with what it says itself', async () => {
      const { restores } = story.holdfast
      const refused = (run: () => unknown) => failure((async () => run())(), 'E_RESTORE_UNKNOWN')
      expect((await refused(() => restores.named('paid-order'))).hint).toBe('Did you mean "paid-orders"? Known named restores: paid-orders, prices.')
      await failure((async () => restores.named('prices', { policy: 'skip' } as never))(), 'E_CONFIG')
      await failure((async () => restores.named('prices', { scope: 'acme' }))(), 'E_SCOPE')
    })
  },
)
