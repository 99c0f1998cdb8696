import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pick, type RestoreRequest } from '../../../src/index.ts'
import { openStory, STORY_PLACES, type Story } from '../../support/story.ts'
import { STORY } from '../../fixtures/stories/story-tables.ts'

/** As many as a test may take its time for; `bench/` does it with a million. */
const ORDERS = 20_000

// A script set every price to zero, and users went on working before it was noticed: a restore of the table would take their work away.
describe.each(STORY_PLACES)('one column of a large table is ruined in $dialect under $orm', (place) => {
  let story: Story
  let snapshot: string
  let worked: string

  beforeAll(async () => {
    story = await openStory(place)
    await story.run(
      `INSERT INTO orders (id, status, price, version, updated_at, customer_id)
         SELECT ${STORY.orders} + 1000 * a.id + b.id, CONCAT('order ', a.id, '/', b.id), (${STORY.orders} + 1000 * a.id + b.id) * 10, 1, '2026-01-01 00:00:00', 1 + a.id % ${STORY.customers}
         FROM (SELECT id - 1 AS id FROM order_line WHERE id <= ${ORDERS / 1000}) a CROSS JOIN order_line b WHERE b.id <= 1000`,
    )
    snapshot = await story.backup()
    await story.run('UPDATE orders SET price = 0')
    await story.run(
      `UPDATE orders SET status = 'sent', version = 2, updated_at = '2026-05-05 05:05:05' WHERE id % 10 = 3;
       DELETE FROM order_tag WHERE order_id = 1; DELETE FROM order_line WHERE order_id = 1; DELETE FROM orders WHERE id = 1;
       INSERT INTO orders (id, status, price, version, updated_at, customer_id) VALUES (999999, 'new', 7, 1, '2026-05-05 06:06:06', 1);
       UPDATE customer SET name = 'renamed' WHERE id = 5`,
    )
    worked = await everythingElse()
  })
  afterAll(() => story?.close())

  /** Every column but the price, and every other table, to the byte. */
  const everythingElse = async () => {
    const hash = createHash('sha256')
    for (const row of await story.rows('SELECT id, status, version, updated_at, customer_id FROM orders ORDER BY id')) hash.update(JSON.stringify(row))
    for (const table of ['customer', 'order_line', 'tag', 'order_tag', 'department', 'employee'])
      for (const row of (await story.rows(`SELECT * FROM ${table}`)).map((each) => JSON.stringify(each)).toSorted()) hash.update(row)
    return hash.digest('hex')
  }
  const count = async (where: string) => Number((await story.rows(`SELECT count(*) AS n FROM orders WHERE ${where}`))[0]!.n)
  const asked = (): RestoreRequest => ({ snapshot, select: [pick(story.entity('Order'), { fields: ['price'] as never })], policy: 'overwrite' })
  const TOUCHED = STORY.orders + ORDERS - 1

  it('comes back in every row, and nothing else does', async () => {
    const result = await story.holdfast.restores.restore({ ...asked(), undo: true })
    expect(result.totals).toMatchObject({ create: 0, update: TOUCHED, absent: 1, delete: 0, conflict: 0 })
    expect(await count('price = id * 10')).toBe(TOUCHED)
    expect(await count('price = 7 AND id = 999999')).toBe(1)
    expect(await everythingElse()).toBe(worked)

    expect((await story.holdfast.restores.restore(asked())).totals).toMatchObject({ update: 0, identical: TOUCHED })
    await story.holdfast.restores.undo(result.restoreId)
    expect(await count('price = 0')).toBe(TOUCHED)
    expect(await everythingElse()).toBe(worked)
  })
})
