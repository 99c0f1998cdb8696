import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pick, type RestorePlan } from '../../../src/index.ts'
import { collect } from '../../support/collect.ts'
import { openStory, STORY_PLACES_OF_MAJORS, type Story } from '../../support/story.ts'

// "Who deleted these 300 orders? Bring them back, with their lines, now, and prove that it worked."
describe.each(STORY_PLACES_OF_MAJORS)('300 orders are gone from $dialect under $orm', (place) => {
  let story: Story
  let whole: Awaited<ReturnType<Story['image']>>
  let wednesday: string
  let plan: RestorePlan

  beforeAll(async () => {
    story = await openStory(place)
    whole = await story.image()
    await story.run('DELETE FROM order_tag WHERE order_id <= 300; DELETE FROM order_line WHERE order_id <= 300; DELETE FROM orders WHERE id <= 300')
    wednesday = await story.backup()
    // Work goes on, and none of it may be lost.
    await story.run("UPDATE orders SET status = 'sent' WHERE id = 350; UPDATE customer SET name = 'renamed' WHERE id = 5")
    await story.run("INSERT INTO order_line (id, quantity, article, order_id) VALUES (5001, 1, 'late', 350)")
  })
  afterAll(() => story?.close())

  it('when: between the two snapshots around it, as the history of one of them says', async () => {
    const [gone, made, ...more] = await collect(story.holdfast.comparisons.history('Order', 300))
    expect(more).toEqual([])
    expect(gone).toMatchObject({ change: 'disappeared', snapshotId: wednesday, previous: story.snapshot })
    expect(made).toMatchObject({ change: 'appeared', snapshotId: story.snapshot })
    expect(await collect(story.holdfast.comparisons.history('Order', 301))).toHaveLength(1)
  })

  it('what: 300 orders, their lines and tags, each by its key', async () => {
    const comparison = await story.holdfast.comparisons.compare({ before: story.snapshot })
    const removed = (await collect(comparison)).filter(({ change }) => change === 'removed')
    expect(
      removed
        .filter(({ entity }) => entity === 'Order')
        .map(({ key }) => Number(JSON.parse(key)[0]))
        .toSorted((a, b) => a - b),
    ).toEqual(Array.from({ length: 300 }, (_, n) => n + 1))
    expect(comparison.summary.totals).toMatchObject({ removed: 1400, changed: 2, added: 1 })
  })

  it('is planned, and the plan touches nothing but them', async () => {
    const before = await story.image()
    plan = await story.holdfast.restores.plan({
      snapshot: story.snapshot,
      select: [pick(story.entity('Order'), { where: { id: { lte: 300 } } })],
      related: { children: ['OrderLine'] },
    })
    expect(plan).toMatchObject({ rows: 1400, problems: 0, totals: { create: 1400, update: 0, delete: 0, conflict: 0 } })
    const why = new Map<string, number>()
    for await (const row of story.holdfast.restores.planRows(plan.planId)) {
      expect(row.action).toBe('create')
      const reason = `${row.entity.toLowerCase().replace('_', '')}: ${row.why?.because}`
      why.set(reason, (why.get(reason) ?? 0) + 1)
    }
    expect(Object.fromEntries(why)).toEqual({ 'order: asked': 300, 'orderline: child': 800, 'ordertag: link': 300 })
    expect(await story.image()).toEqual(before)
  })

  it('is applied: they are back to the byte, and what others wrote meanwhile stands', async () => {
    const result = await story.holdfast.restores.apply(plan, { by: 'ada' })
    expect(result).toMatchObject({ status: 'completed', by: 'ada', snapshotId: story.snapshot, totals: { create: 1400, update: 0, delete: 0 } })
    const [line] = await story.rows('SELECT article FROM order_line WHERE id = 5001')
    expect(line).toEqual({ article: 'late' })
    await story.run(
      "UPDATE orders SET status = 'paid' WHERE id = 350; UPDATE customer SET name = 'customer 5' WHERE id = 5; DELETE FROM order_line WHERE id = 5001",
    )
    expect(await story.image()).toEqual(whole)
  })

  it('is proved: nothing differs from the snapshot any more, and the history of restores says who did what', async () => {
    const comparison = await story.holdfast.comparisons.compare({ before: story.snapshot })
    expect(await collect(comparison)).toEqual([])
    expect(comparison.summary.complete).toBe(true)
    const [latest] = await story.holdfast.restores.history()
    expect(latest).toMatchObject({ applies: plan.planId, by: 'ada', undoable: true, totals: { create: 1400 } })
  })
})
