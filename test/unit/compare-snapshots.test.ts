import { describe, expect, it } from 'vitest'
import { compareLive, compareSnapshots } from '../../src/compare/index.ts'
import { brief, collect, compareRig } from '../support/compare-rig.ts'
import type { InMemoryStore, Row } from '../support/in-memory-store.ts'
import { orderRow, SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'

/** What differs, told from the rows themselves. */
function truth(before: Readonly<Record<string, readonly Row[]>>, store: InMemoryStore): string[] {
  const keyOf = (entity: string, row: Row) => (entity === 'OrderLine' ? JSON.stringify([row.region, row.no]) : JSON.stringify([row.id]))
  return SHOP_ENTITIES.flatMap((entity) => {
    const old = new Map(before[entity]!.map((row) => [keyOf(entity, row), JSON.stringify(row)]))
    const now = new Map(store.rows(entity).map((row) => [keyOf(entity, row), JSON.stringify(row)]))
    const all = new Set([...old.keys(), ...now.keys()])
    return [...all].flatMap((key) => {
      if (old.get(key) === now.get(key)) return []
      return [`${entity} ${key} ${!old.has(key) ? 'added' : !now.has(key) ? 'removed' : 'changed'}`]
    })
  }).sort()
}

const rowsOf = (store: InMemoryStore) => Object.fromEntries(SHOP_ENTITIES.map((entity) => [entity, [...store.rows(entity)]]))

describe('comparing two snapshots', () => {
  it('finds nothing, and reads nothing, between equal ones', async () => {
    const store = shopStore(200)
    const rig = compareRig(store)
    const [first, second] = [await rig.take('full'), await rig.take('incremental')]
    const comparison = await rig.compare(first, second)
    rig.meter.reset()
    expect(await collect(comparison)).toEqual([])
    expect(rig.meter.chunkReads).toBe(0)
    expect(comparison.summary).toMatchObject({ complete: true, before: first, after: second, totals: { rowsRead: 0, rowsSkipped: 800, chunksRead: 0 } })
  })

  it.each(['incremental', 'full'] as const)('finds exactly what changed before an %s one', async (kind) => {
    const store = shopStore(300)
    const rig = compareRig(store)
    const first = await rig.take('full')
    const before = rowsOf(store)
    store.put('Order', orderRow(7, 'changed'), orderRow(1000, 'new'), orderRow(-5, 'new'))
    store.delete('Order', ({ id }) => id === 150 || id === 299)
    store.delete('OrderLine', ({ no }) => Number(no) % 50 === 0)
    store.put('OrderLine', { region: 'zz', no: 1, text: 'new' }, { region: 'aa', no: 1, text: 'changed' }, { region: 'a', no: 5, text: 'new' })
    store.put('Nothing', { id: 1 })
    const second = await rig.take(kind)
    expect(brief(await collect(await rig.compare(first, second)))).toEqual(truth(before, store))
    const back = await rig.compare(second, first)
    expect((await collect(back)).length).toBe(truth(before, store).length)
    expect(back.summary.totals).toMatchObject({ added: 8, removed: 5, changed: 2 })
  })

  it('tells the fields, with their values', async () => {
    const store = shopStore(20)
    const rig = compareRig(store)
    const first = await rig.take('full')
    store.put('Order', { id: 3, customer: 99, note: 'other' })
    store.put('Order', { id: 77, customer: null, note: 'new' })
    const second = await rig.take('full')
    const comparison = await rig.compare(first, second, ['Order'])
    expect(await collect(comparison)).toEqual([
      {
        store: 'default',
        entity: 'Order',
        key: '[3]',
        change: 'changed',
        fields: [
          { field: 'customer', before: 3, after: 99 },
          { field: 'note', before: 'order 3', after: 'other' },
        ],
      },
      {
        store: 'default',
        entity: 'Order',
        key: '[77]',
        change: 'added',
        fields: [
          { field: 'id', after: 77 },
          { field: 'customer', after: null },
          { field: 'note', after: 'new' },
        ],
      },
    ])
    expect(comparison.summary.entities.map(({ entity }) => entity)).toEqual(['Order'])
  })

  it('reads little of two snapshots that differ at the tail', async () => {
    const store = shopStore(1500)
    const rig = compareRig(store, { chunkBytes: 1024 })
    const first = await rig.take('full')
    store.put('Order', ...Array.from({ length: 15 }, (_, n) => orderRow(1500 + n)))
    const second = await rig.take('incremental')
    const comparison = await rig.compare(first, second)
    rig.meter.reset()
    expect((await collect(comparison)).length).toBe(15)
    const { totals } = comparison.summary
    expect(totals.chunksRead / (totals.chunksRead + totals.chunksSkipped)).toBeLessThan(0.05)
    expect(rig.meter.chunkReads).toBe(totals.chunksRead)
  })

  it('reports schema differences and compares what both have', async () => {
    const store = shopStore(50)
    const rig = compareRig(store)
    const first = await rig.take('full')
    store.addField('Order', 'extra')
    store.put('Order', { ...orderRow(9, 'changed'), extra: 'x' }, { ...orderRow(500, 'new'), extra: 'y' })
    const second = await rig.take('full')
    const comparison = await rig.compare(first, second, ['Order'])
    expect(await collect(comparison)).toMatchObject([
      { key: '[9]', change: 'changed', fields: [{ field: 'note', before: 'order 9', after: 'changed' }] },
      { key: '[500]', change: 'added' },
    ])
    expect(comparison.summary.schema).toEqual([{ store: 'default', entity: 'Order', kind: 'field-added', field: 'extra', after: 'text' }])
  })

  it('says that an entity is on one side only, without listing its records', async () => {
    const store = shopStore(10)
    const rig = compareRig(store)
    const first = await rig.take('full')
    const { manifest, chunks } = await rig.openSnapshot(first)
    const less = { ...manifest, entities: manifest.entities.filter(({ descriptor }) => descriptor.name !== 'Order') }
    const removed = compareSnapshots({ before: { manifest, chunks }, after: { manifest: less, chunks } })
    expect(await collect(removed)).toEqual([])
    expect(removed.summary.schema).toEqual([{ store: 'default', entity: 'Order', kind: 'entity-removed' }])
    const added = compareSnapshots({ before: { manifest: less, chunks }, after: { manifest, chunks } })
    expect((await added.finish()).schema).toEqual([{ store: 'default', entity: 'Order', kind: 'entity-added' }])
  })

  it('refuses names that are in neither, and being read twice', async () => {
    const rig = compareRig(shopStore(5))
    const first = await rig.take('full')
    await expect(rig.compare(first, first, ['Ordre'])).rejects.toMatchObject({ code: 'E_ENTITY_UNKNOWN' })
    await expect(rig.compare(first, first, [])).rejects.toMatchObject({ code: 'E_CONFIG' })
    const comparison = await rig.compare(first, first)
    expect(await comparison.finish()).toMatchObject({ complete: true })
    await expect(collect(comparison)).rejects.toMatchObject({ code: 'E_CONFIG' })
  })
})

describe('comparing a snapshot with the live store', () => {
  it('reads only what the store cannot prove unchanged', async () => {
    const store = shopStore(300)
    const rig = compareRig(store)
    const first = await rig.take('full')
    const before = rowsOf(store)
    store.seen.readRows = 0
    expect(await collect(await rig.compareLive(first))).toEqual([])
    expect(store.seen.readRows).toBe(0)

    store.put('Order', orderRow(7, 'changed'), orderRow(1000, 'new'))
    store.delete('OrderLine', ({ no }) => no === 50)
    const comparison = await rig.compareLive(first)
    rig.meter.reset()
    expect(brief(await collect(comparison))).toEqual(truth(before, store))
    expect(store.seen.readRows).toBeLessThan(100)
    expect(rig.meter.chunkReads).toBe(3)
    expect(comparison.summary).toMatchObject({ after: 'live', totals: { added: 1, removed: 1, changed: 1 } })
    expect(comparison.summary.afterAt).not.toBeNull()
    expect(store.seen.openViews).toBe(0)
  })

  it('reads everything where the schema is another, and closes its view when left early', async () => {
    const store = shopStore(60)
    const rig = compareRig(store)
    const first = await rig.take('full')
    store.addField('OrderLine', 'extra')
    const row = store.rows('OrderLine').find(({ no }) => no === 4)!
    store.put('OrderLine', { ...row, text: 'changed' })
    const comparison = await rig.compareLive(first, ['OrderLine'])
    expect(brief(await collect(comparison))).toEqual([`OrderLine ${JSON.stringify([row.region, 4])} changed`])
    expect(comparison.summary.schema).toMatchObject([{ kind: 'field-added', field: 'extra' }])

    store.delete('Order', () => true)
    for await (const _ of await rig.compareLive(first, ['Order'])) break
    expect(store.seen.openViews).toBe(0)
    expect(store.seen.calls).toBe(0)
  })

  it('ends with the signal, its view closed', async () => {
    const store = shopStore(60)
    const rig = compareRig(store)
    const first = await rig.take('full')
    store.put('Order', orderRow(1, 'changed'), orderRow(50, 'changed'))
    const abort = new AbortController()
    const comparison = compareLive({ snapshot: await rig.openSnapshot(first), stores: new Map([['default', store]]), signal: abort.signal })
    const work = async () => {
      for await (const _ of comparison) abort.abort()
    }
    await expect(work()).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(comparison.summary.complete).toBe(false)
    expect(store.seen.openViews).toBe(0)
  })
})
