import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pick, type RestoreRequest } from '../../../src/index.ts'
import { failure } from '../../support/failure.ts'
import { openStory, STORY_PLACES_OF_MAJORS, type Story } from '../../support/story.ts'

// What people need at a bad moment is a few rows, not a database of yesterday.
describe.each(STORY_PLACES_OF_MAJORS)('some rows on their way into $dialect under $orm', (place) => {
  let story: Story
  let whole: Awaited<ReturnType<Story['image']>>
  const restore = (more: Partial<RestoreRequest>) => story.holdfast.restores.restore({ snapshot: story.snapshot, ...more })
  const written = async (more: Partial<RestoreRequest>) =>
    Object.fromEntries((await restore(more)).entities.map(({ entity, create, update }) => [entity.toLowerCase(), [create, update]]))

  beforeAll(async () => {
    story = await openStory(place)
    whole = await story.image()
  })
  afterAll(() => story?.close())
  beforeEach(() => restore({ policy: 'overwrite', deleteExtra: true }))

  it('a member of a cycle brings the other one along', async () => {
    await story.run('UPDATE department SET head_id = NULL; DELETE FROM employee; DELETE FROM department')
    expect(await written({ select: [pick('Employee', { keys: [1] })], related: {} })).toEqual({ employee: [2, 0], department: [1, 0] })
    expect(await story.rows('SELECT id, department_id, name FROM employee ORDER BY id')).toMatchObject([{ id: 1 }, { id: 2 }])
    expect(await story.rows('SELECT id, head_id FROM department')).toEqual([{ id: 1, head_id: 2 }])
    expect(await written({ select: [pick('Department')], related: { children: true } })).toEqual({ employee: [1, 0], department: [1, 0] })
    expect(await story.image()).toEqual(whole)
  })

  it('junction rows come with the rows that they join, and bring the other side', async () => {
    await story.run('DELETE FROM order_tag; DELETE FROM tag')
    const result = await restore({ select: [pick('Order', { keys: [7, 8] })], related: {} })
    expect(result.totals).toMatchObject({ create: 4, update: 0 })
    expect(await story.rows('SELECT order_id, tag_id FROM order_tag ORDER BY 1')).toEqual([
      { order_id: 7, tag_id: 3 },
      { order_id: 8, tag_id: 4 },
    ])
    expect(await story.rows('SELECT id FROM tag ORDER BY 1')).toEqual([{ id: 3 }, { id: 4 }])
    // Every other table is as it was, and the rest of the links and tags is still to be had.
    expect({ ...(await story.image()), order_tag: whole.order_tag, tag: whole.tag }).toEqual(whole)
    await restore({ entities: ['Tag', 'order_tag'] })
    expect(await story.image()).toEqual(whole)
  })

  it('rows without their parent are refused by name, and come back once it arrived', async () => {
    await story.run('DELETE FROM order_line WHERE order_id IN (1, 2); DELETE FROM order_tag WHERE order_id = 1; DELETE FROM orders WHERE id = 1')
    const lines: Partial<RestoreRequest> = { select: [pick('OrderLine', { keys: [1, 2, 401, 402] })] }
    const error = await failure(restore(lines), 'E_RESTORE_REJECTED')
    const diagnostics = await story.holdfast.restores.diagnostics(error.details.restoreId as string)
    expect(diagnostics?.entries.map(({ entity, key, cause }) => [entity, key, cause])).toEqual([
      ['OrderLine', '[1]', 'missing-parent'],
      ['OrderLine', '[401]', 'missing-parent'],
    ])
    expect(await story.rows('SELECT id FROM order_line WHERE order_id IN (1, 2)')).toEqual([])
    await restore({ select: [pick('Order', { keys: [1] })] })
    expect((await restore(lines)).totals).toMatchObject({ create: 4 })
    expect((await restore(lines)).totals).toMatchObject({ create: 0, identical: 4 })
  })

  it('says why each row is there', async () => {
    await story.run('DELETE FROM order_line WHERE order_id = 3; DELETE FROM order_tag WHERE order_id = 3; DELETE FROM orders WHERE id = 3')
    const plan = await story.holdfast.restores.plan({ snapshot: story.snapshot, select: [pick('OrderLine', { keys: [3] })], related: {} })
    const rows = []
    for await (const { entity, key, action, why } of story.holdfast.restores.planRows(plan.planId)) rows.push([entity, key, action, why])
    expect(rows).toEqual(
      expect.arrayContaining([
        ['OrderLine', '[3]', 'create', { because: 'asked' }],
        ['Order', '[3]', 'create', { because: 'parent', entity: 'OrderLine', key: '[3]' }],
      ]),
    )
    expect(rows).toHaveLength(2)
  })

  it('refuses what is not there or too much, and says so before it reads on', async () => {
    await failure(restore({ select: [pick('Order', { keys: [1, 99_999] })] }), 'E_SELECTION')
    await failure(restore({ select: [pick('Order', { where: { status: 'never' } })] }), 'E_SELECTION')
    await failure(restore({ select: [pick('Order', { keys: [1] })], related: { children: true, maxRows: 3 } }), 'E_SELECTION')
    await failure(restore({ select: [pick('Nobody')] }), 'E_ENTITY_UNKNOWN')
    await failure(restore({ select: [pick('Order', { keys: [1] })], related: { children: ['OrderLines'] } }), 'E_ENTITY_UNKNOWN')
    const tower = JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`) as never
    await failure(restore({ select: [pick('Order', { where: tower })] }), 'E_CONFIG')
    // What a caller's code did not get must not mean all rows.
    for (const none of [undefined, null, [], [null]]) await failure(restore({ select: [pick('Order', { keys: none as never })] }), 'E_CONFIG')
    for (const none of [undefined, null, [], { id: undefined }]) await failure(restore({ select: [pick('Order', { where: none as never })] }), 'E_CONFIG')
    await failure(restore({ select: [pick('Order', { fields: ['prize'] as never })] }), 'E_CONFIG')
    await failure(restore({ select: [pick('Order')], deleteExtra: true }), 'E_CONFIG')
    await failure(restore({ select: [pick('Order')], entities: ['Order'] }), 'E_CONFIG')
    await failure(restore({ related: {} }), 'E_CONFIG')
  })

  it('are those of the newest snapshot at a point in time', async () => {
    const then = new Date()
    await story.run("UPDATE orders SET status = 'later' WHERE id = 1")
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const later = await story.backup()
    expect((await restore({ snapshot: { at: then, plan: 'shop' }, policy: 'overwrite' })).snapshotId).not.toBe(later)
    expect(await story.image()).toEqual(whole)
    expect((await restore({ snapshot: { plan: 'shop' }, dryRun: true })).snapshotId).toBe(later)
    await failure(restore({ snapshot: { at: '2001-01-01T00:00:00Z' } }), 'E_SNAPSHOT_UNKNOWN')
    await failure(restore({ snapshot: { plan: 'other' } }), 'E_SNAPSHOT_UNKNOWN')
  })
})
