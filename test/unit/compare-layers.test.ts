import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { Manifest } from '../../src/archive/index.ts'
import { compareSnapshots, createSnapshotReader, type OpenSnapshot, recordHistory } from '../../src/compare/index.ts'
import { memoryRepository, ordersDescriptor, ordersManifest } from '../support/archive-rig.ts'
import { brief, collect } from '../support/compare-rig.ts'
import { deltaBetween, layer, type LayeredEntry, storeBase, type Thing } from '../support/layer-rig.ts'
import { meteredStorage } from '../support/metered-storage.ts'

const thing = (id: number, note = `thing ${id}`): Thing => ({ id, owner: id % 3, note })
const THINGS = Array.from({ length: 60 }, (_, id) => thing(id * 2))

async function layeredSnapshots() {
  const meter = meteredStorage(memoryStorage())
  const repository = await memoryRepository(meter.storage)
  const { chunks } = repository.scope()
  const [field] = ordersDescriptor.fields
  const descriptor = { ...ordersDescriptor, name: 'Thing', references: [], fields: ['id', 'owner', 'note'].map((path) => ({ ...field!, path, column: path })) }
  const snapshot = (entry: LayeredEntry): OpenSnapshot => {
    const manifest: Manifest = ordersManifest(repository, [])
    const entities = manifest.entities.map((entity) => ({ ...entity, descriptor, rows: entry.rows, ranges: [{ ...entry, evidence: 0 }] }))
    return { manifest: { ...manifest, entities }, chunks: async () => chunks }
  }
  const after = [...THINGS.slice(0, 10), thing(19, 'new'), ...THINGS.slice(11, 40), thing(80, 'changed'), ...THINGS.slice(41)]
  const base = await storeBase(chunks, THINGS)
  const delta = await layer(chunks, base, (await deltaBetween(THINGS, after))!)
  return { meter, base: snapshot(base), delta: snapshot(delta), same: snapshot(delta), after }
}

describe('ranges of several layers', () => {
  it('are compared as what they merge into, and not read when their layers are the same', async () => {
    const { meter, base, delta, same } = await layeredSnapshots()
    expect(brief(await collect(compareSnapshots({ before: base, after: delta })))).toEqual(['Thing [19] added', 'Thing [20] removed', 'Thing [80] changed'])
    meter.reset()
    const equal = compareSnapshots({ before: delta, after: same })
    expect(await collect(equal)).toEqual([])
    expect(meter.chunkReads).toBe(0)
    expect(equal.summary.totals.chunksSkipped).toBe(2)
  })

  it('are read as entities, and by key', async () => {
    const { delta, after } = await layeredSnapshots()
    const reader = createSnapshotReader(delta, () => delta.manifest.entities[0]!)
    const found = []
    for await (const record of reader.stream('Thing')) found.push(record)
    expect(found).toEqual(after)
    expect(await reader.findOne('Thing', 80)).toEqual(thing(80, 'changed'))
    expect(await reader.findOne('Thing', 20)).toBeNull()
    expect(await reader.findOne('Thing', 22)).toEqual(thing(22))
  })

  it('tell the history of a record', async () => {
    const { base, delta, same } = await layeredSnapshots()
    const history = async (key: string) => {
      const changes = []
      const snapshots = (async function* () {
        yield* [base, delta, same]
      })()
      for await (const { change } of recordHistory({ store: 'default', entity: 'Thing', keyOf: () => key, order: 'oldest-first', snapshots }))
        changes.push(change)
      return changes
    }
    expect(await history('[20]')).toEqual(['appeared', 'disappeared'])
    expect(await history('[19]')).toEqual(['appeared'])
    expect(await history('[80]')).toEqual(['appeared', 'changed'])
    expect(await history('[7]')).toEqual([])
  })
})
