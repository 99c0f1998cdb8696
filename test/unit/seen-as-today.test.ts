import { describe, expect, it } from 'vitest'
import { compareSnapshots, createSnapshotReader, namedShape, type OpenSnapshot, recordHistory, upcastShape } from '../../src/compare/index.ts'
import { isSeenAlike } from '../../src/compare/entity-shape.ts'
import type { EntityMapping } from '../../src/contracts/index.ts'
import { type EntityEvolution, lookingEvolution, unchangedEntity } from '../../src/evolution/index.ts'
import { collect } from '../support/collect.ts'
import { compareRig } from '../support/compare-rig.ts'
import { failure } from '../support/failure.ts'
import { orderRow, shopStore } from '../support/shop-store.ts'

/** `Order` with its properties called otherwise today: path of the archive → path of today; those that are not named are gone. */
function renamedTo(names: Readonly<Record<string, string>>, evolution: Partial<EntityEvolution> = {}) {
  return ({ descriptor }: OpenSnapshot['manifest']['entities'][number]): EntityEvolution => {
    if (descriptor.name !== 'Order') return unchangedEntity(descriptor)
    const kept = descriptor.fields.flatMap(({ path }, at) => (names[path] === undefined ? [] : [{ at, from: path, to: names[path] }]))
    const removed = descriptor.fields.filter(({ path }) => names[path] === undefined).map(({ path }) => path)
    return { ...unchangedEntity(descriptor), kept, removed, converts: true, ...evolution }
  }
}

async function rigOf(orders: number, chunkBytes = 2048) {
  const store = shopStore(orders)
  const rig = compareRig(store, { chunkBytes })
  /** What up-casters make has the types of the in-memory store's own columns. */
  const seen = (snapshot: OpenSnapshot, evolutionOf: ReturnType<typeof renamedTo>): OpenSnapshot => ({
    ...snapshot,
    shape: (entity) => namedShape(entity, evolutionOf(entity)),
    upcast: async (entity, options) =>
      upcastShape({
        entity,
        evolution: evolutionOf(entity),
        dialect: store.dialect,
        store: async () => store,
        chunks: () => snapshot.chunks(entity.bucket),
        erased: new Set(),
        ...options,
      }),
  })
  const reader = (snapshot: OpenSnapshot) =>
    createSnapshotReader(snapshot, (name) => snapshot.manifest.entities.find(({ descriptor }) => descriptor.name === name) ?? null)
  return { store, rig, seen, reader }
}

const RENAMED = { id: 'no', customer: 'buyer', note: 'text' }

describe('a snapshot whose properties are called otherwise today', () => {
  it('is read, chosen from and looked up by the names of today, without reading more', async () => {
    const { store, rig, seen, reader } = await rigOf(9000, 64 * 1024)
    const read = reader(seen(await rig.openSnapshot(await rig.take('full')), renamedTo(RENAMED)))
    const today = store.rows('Order').map(({ id, customer, note }) => ({ no: id, buyer: customer, text: note }))
    expect(await collect(read.stream('Order'))).toEqual(today)
    expect(await collect(read.stream('Order', { where: { buyer: 3, no: { lt: 100 } } }))).toEqual(
      today.filter(({ buyer, no }) => buyer === 3 && Number(no) < 100),
    )
    rig.meter.reset()
    expect(await collect(read.stream('Order', { where: { buyer: 77 } }))).toEqual([])
    expect(rig.meter.reads.filter((name) => name.endsWith('.hfc'))).toEqual([])
    rig.meter.reset()
    expect(await read.findOne('Order', { no: 417 })).toEqual(today[417])
    expect(rig.meter.chunkReads).toBeLessThanOrEqual(2)
    expect((await failure(collect(read.stream('Order', { where: { customer: 3 } })), 'E_CONFIG')).message).toContain('no field "customer"')
    await failure(read.findOne('Order', { id: 417 }), 'E_CONFIG')
  })

  it('keeps what is gone under its name, unless something of today is called so', async () => {
    const { rig, seen, reader } = await rigOf(3)
    const snapshot = await rig.openSnapshot(await rig.take('full'))
    const gone = reader(seen(snapshot, renamedTo({ id: 'no', customer: 'buyer' })))
    expect(await gone.findOne('Order', 1)).toEqual({ no: 1, buyer: 1, note: 'order 1' })
    const taken = reader(seen(snapshot, renamedTo({ id: 'id', customer: 'note' })))
    expect(await taken.findOne('Order', 1)).toEqual({ id: 1, note: 1 })
  })

  it('is compared by the names of today, and what is stored alike is not read', async () => {
    const { store, rig, seen } = await rigOf(200, 1024)
    const before = await rig.openSnapshot(await rig.take('full'))
    store.put('Order', orderRow(42, 'changed'))
    const after = await rig.openSnapshot(await rig.take('full'))
    const both = compareSnapshots({ before: seen(before, renamedTo(RENAMED)), after: seen(after, renamedTo(RENAMED)) })
    expect((await collect(both)).map(({ key, fields }) => ({ key, fields }))).toEqual([
      { key: '[42]', fields: [{ field: 'text', before: 'order 42', after: 'changed' }] },
    ])
    expect(both.summary.entities.find(({ entity }) => entity === 'Order')!.rowsSkipped).toBeGreaterThan(300)
    expect(both.summary.schema).toEqual([])
    // One side converted, the other not: nothing may be left out as equal.
    const one = compareSnapshots({ before: seen(before, renamedTo({ ...RENAMED, id: 'id' })), after, entities: ['Order'] })
    expect(await collect(one)).toEqual([])
    expect(one.summary.entities[0]).toMatchObject({ rowsSkipped: 0 })
    expect(one.summary.schema.map((difference) => `${difference.kind} ${'field' in difference ? difference.field : ''}`)).toEqual([
      'field-removed buyer',
      'field-removed text',
      'field-added customer',
      'field-added note',
    ])
    const other = compareSnapshots({ before: seen(before, renamedTo(RENAMED)), after, entities: ['Order'] })
    expect([await collect(other), other.summary.schema[0]!.kind]).toEqual([[], 'key-changed'])
  })
})

describe('up-casters', () => {
  const cast = (change: (record: never) => object) =>
    renamedTo({ id: 'id', customer: 'customer', note: 'note' }, { upcasters: [{ from: null, to: 'x', change: change as never }] })

  it('that differ make lines that may not be taken for one another', async () => {
    const { rig, seen } = await rigOf(50)
    const snapshot = await rig.openSnapshot(await rig.take('full'))
    const loud = cast((record: { note: string }) => ({ ...record, note: record.note.toUpperCase() }))
    const found = await collect(compareSnapshots({ before: snapshot, after: seen(snapshot, loud), entities: ['Order'] }))
    expect(found.length).toBe(50)
    expect(found[7]!.fields).toEqual([{ field: 'note', before: 'order 7', after: 'ORDER 7' }])
    const same = compareSnapshots({ before: seen(snapshot, loud), after: seen(snapshot, loud), entities: ['Order'] })
    expect([await collect(same), same.summary.totals.rowsRead]).toEqual([[], 0])
    const [entity] = snapshot.manifest.entities
    const [a, b] = [
      await seen(snapshot, loud).upcast!(entity!, {}),
      await seen(
        snapshot,
        cast((record) => record),
      ).upcast!(entity!, {}),
    ]
    expect([isSeenAlike(a, a), isSeenAlike(a, b)]).toEqual([true, false])
  })

  it('that show what was sensitive under another name are hidden', async () => {
    const { rig, seen } = await rigOf(5)
    const id = await rig.take('full')
    const opened = await rig.openSnapshot(id)
    const secret = { ...opened, manifest: { ...opened.manifest, entities: opened.manifest.entities.map((entity) => ({ ...entity, sensitive: ['customer'] })) } }
    const evolution = renamedTo(
      { id: 'id', note: 'note' },
      { added: ['customer'], upcasters: [{ from: null, to: 'x', change: ((record: object) => record) as never }] },
    )
    const versions = await collect(
      recordHistory({
        store: 'default',
        entity: 'Order',
        keyOf: () => '[3]',
        order: 'oldest-first',
        snapshots: (async function* () {
          yield seen(secret, evolution)
        })(),
      }),
    )
    expect(versions[0]!.fields).toEqual([
      { field: 'id', after: 3 },
      { field: 'note', after: 'order 3' },
      { field: 'customer', after: '•••' },
    ])
  })
})

it('an evolution for looking leaves entities alone whose names are those of today', () => {
  const descriptor = { name: 'A', fields: [{ path: 'a' }, { path: 'b' }] } as never as Parameters<typeof unchangedEntity>[0] & EntityMapping
  const evolution = { ...unchangedEntity(descriptor), kept: [{ at: 0, from: 'a', to: 'a' }], removed: ['b'], added: ['c'], converts: true }
  expect(lookingEvolution(evolution, descriptor).converts).toBe(false)
})
