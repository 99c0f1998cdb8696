import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pick, type RestoreRequest } from '../../../src/index.ts'
import { openStory, type Story } from '../../support/story.ts'

const LINES = 20_000
/** Lines of one order stand beside each other. */
const PER_ORDER = 50

// A record with what belongs to it must not cost a read of the whole snapshot.
describe('a few rows of a large snapshot', () => {
  let story: Story
  let snapshot: string
  beforeAll(async () => {
    story = await openStory({ dialect: 'sqlite', orm: 'TypeORM' })
    await story.run(
      `DELETE FROM order_line; WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${LINES})
       INSERT INTO order_line (id, quantity, article, order_id) SELECT i, 1, hex(randomblob(60)), 1 + (i - 1) / ${PER_ORDER} FROM s`,
    )
    snapshot = await story.backup()
  })
  afterAll(() => story?.close())

  /** Of an entity: its chunks, and those that were read. */
  const reads = async (entity: string) => {
    const { manifest } = await story.holdfast.discovery.open(snapshot)
    const names = manifest.entities.find(({ descriptor }) => descriptor.name === entity)!.ranges.flatMap(({ layers }) => layers.map(({ name }) => name))
    const read = (end: string) => names.filter((name) => story.meter.reads.some((key) => key.endsWith(`/${name}${end}`))).length
    const times = story.meter.reads.filter((key) => names.some((name) => key.endsWith(`/${name}.hfc`))).length
    return { all: names.length, read: read('.hfc'), times, indexes: read('.hfx') }
  }
  const restore = async (more: Partial<RestoreRequest>) => {
    story.meter.reset()
    return story.holdfast.restores.restore({ snapshot, dryRun: true, ...more })
  }

  it('reads only chunks that may hold their children', async () => {
    const { totals } = await restore({ select: [pick('Order', { keys: [5, 300] })], related: { children: ['OrderLine'] } })
    expect(totals).toMatchObject({ records: 2 * PER_ORDER + 7, identical: 2 * PER_ORDER + 7 })
    const lines = await reads('OrderLine')
    expect(lines.all).toBeGreaterThan(30)
    // The lines of an order are in one chunk, or at the border of two.
    expect(lines.read).toBeLessThanOrEqual(2 + 1.2 * 2)
    expect(lines.read).toBeGreaterThan(0)
    // The manifest says of the others that they cannot.
    expect(lines.indexes).toBeLessThanOrEqual(2 + 1.2 * 2)
    // What was found is not read again to be proved or loaded.
    expect(lines.times).toBe(lines.read)
  })

  it('reads only the chunk of a key, and goes through all for a condition on what no index knows', async () => {
    await restore({ select: [pick('OrderLine', { keys: [1, 19_999] })] })
    expect((await reads('OrderLine')).read).toBe(2)
    await restore({ select: [pick('OrderLine', { where: { 'order.id': { in: [5, '6'] } } })] })
    const referring = await reads('OrderLine')
    expect(referring.read).toBeLessThanOrEqual(2 + 1.2 * 2)
    expect(referring.indexes).toBe(referring.read)
    await restore({ select: [pick('OrderLine', { where: { quantity: { gte: 1 } }, fields: ['article'] as never })] })
    const { all, read } = await reads('OrderLine')
    expect(read).toBe(all)
  })
})
