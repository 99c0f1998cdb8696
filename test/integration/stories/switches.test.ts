import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RestoreRequest } from '../../../src/index.ts'
import { failure } from '../../support/failure.ts'
import { openStory, STORY_PLACES, type Story } from '../../support/story.ts'

// What may be created, updated and deleted are three questions, and each is answered by itself.
describe.each(STORY_PLACES)('restoring into $dialect under $orm', (place) => {
  let story: Story
  let whole: Awaited<ReturnType<Story['image']>>
  const restore = (more: Partial<RestoreRequest>) => story.holdfast.restores.restore({ snapshot: story.snapshot, ...more })
  const of = async (more: Partial<RestoreRequest>, entity: string) => (await restore(more)).entities.find((each) => each.entity === entity)!

  beforeAll(async () => {
    story = await openStory(place)
    whole = await story.image()
  })
  afterAll(() => story?.close())
  beforeEach(async () => {
    await restore({ policy: 'overwrite', deleteExtra: true })
    // One line gone, one changed, one too many.
    await story.run(
      `DELETE FROM order_line WHERE id = 1; UPDATE order_line SET quantity = 99 WHERE id = 2; INSERT INTO order_line (id, quantity, article, order_id) VALUES (9001, 1, 'new', 1)`,
    )
  })

  const quantities = async () => (await story.rows('SELECT id, quantity FROM order_line WHERE id IN (1, 2, 9001) ORDER BY id')).map((row) => Object.values(row))

  it('creates only', async () => {
    expect(await of({ update: false }, 'OrderLine')).toMatchObject({ create: 1, update: 0, keep: 1, absent: 0, delete: 0, extra: 1 })
    expect(await quantities()).toEqual([
      [1, 2],
      [2, 99],
      [9001, 1],
    ])
  })

  it('updates only', async () => {
    expect(await of({ create: false, policy: 'overwrite' }, 'OrderLine')).toMatchObject({ create: 0, update: 1, absent: 1, delete: 0 })
    expect(await quantities()).toEqual([
      [2, 3],
      [9001, 1],
    ])
  })

  it('deletes only', async () => {
    const request = { create: false, update: false, deleteExtra: true } as const
    expect(await of({ ...request, dryRun: true }, 'OrderLine')).toMatchObject({ absent: 1, keep: 1, delete: 1, extra: 1 })
    expect(await of(request, 'OrderLine')).toMatchObject({ create: 0, update: 0, absent: 1, keep: 1, delete: 1 })
    expect(await quantities()).toEqual([[2, 99]])
  })

  it('does all three, and then nothing is left to do', async () => {
    expect((await restore({ policy: 'overwrite', deleteExtra: true })).totals).toMatchObject({ create: 1, update: 1, delete: 1 })
    expect(await story.image()).toEqual(whole)
    expect((await restore({ policy: 'overwrite', deleteExtra: true })).totals).toMatchObject({ create: 0, update: 0, delete: 0 })
  })

  it('deletes children before their parents, junctions and members of a cycle included', async () => {
    await story.run(`INSERT INTO customer (id, name) VALUES (900, 'x'); INSERT INTO orders (id, status, price, version, updated_at, customer_id) VALUES (9000, 'x', 1, 1, '2026-02-01 00:00:00', 900);
      UPDATE order_line SET order_id = 9000 WHERE id = 9001; INSERT INTO order_tag (order_id, tag_id) VALUES (9000, 1);
      INSERT INTO department (id, name) VALUES (9, 'x'); INSERT INTO employee (id, name, department_id) VALUES (9, 'x', 9); UPDATE department SET head_id = 9 WHERE id = 9`)
    const { totals } = await restore({ policy: 'overwrite', deleteExtra: true })
    expect(totals).toMatchObject({ delete: 6 })
    expect(await story.image()).toEqual(whole)
  })

  it('lets a unique value go to the row that had it', async () => {
    await story.run(
      `DELETE FROM order_line WHERE id = 9001; UPDATE customer SET email = NULL WHERE id = 7; INSERT INTO customer (id, name, email) VALUES (901, 'thief', 'c7@example.org')`,
    )
    await restore({ policy: 'overwrite', deleteExtra: true })
    expect(await story.image()).toEqual(whole)
  })

  it('refuses to delete what rows that stay refer to, and names it', async () => {
    await story.run(
      `INSERT INTO customer (id, name) VALUES (902, 'x'); INSERT INTO orders (id, status, price, version, updated_at, customer_id) VALUES (9002, 'x', 1, 1, '2026-02-01 00:00:00', 902)`,
    )
    const before = await story.image()
    const error = await failure(restore({ entities: ['Customer'], deleteExtra: true }), 'E_RESTORE_REJECTED')
    expect((await story.holdfast.restores.diagnostics(error.details.restoreId as string))?.entries).toMatchObject([
      { entity: 'Customer', key: '[902]', cause: 'missing-parent' },
    ])
    expect(error.hint).toBe('Change or remove the rows that refer to it first, or, with `deleteExtra`, choose their entities, too.')
    expect(await story.image()).toEqual(before)
  })

  it('refuses what contradicts itself, before anything is read', async () => {
    for (const more of [{ update: false, policy: 'overwrite' }, { create: false, update: false }, { deleteExtra: 'yes' }])
      await failure(restore(more as Partial<RestoreRequest>), 'E_CONFIG')
  })
})
