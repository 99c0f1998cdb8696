import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import {
  type ChunkRef,
  type ChunkStore,
  createDeltaEncoder,
  type DeltaEncoder,
  findRecord,
  foldLayers,
  layerDelta,
  rangeKeys,
  readRange,
  shouldFold,
  verifyRange,
} from '../../src/archive/index.ts'
import { scopeNames } from '../../src/archive/object-names.ts'
import { memoryRepository } from '../support/archive-rig.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { deltaBetween, forged, keyOf, layer, type LayeredEntry, linesOf, newDelta, storeBase, type Thing, upsert } from '../support/layer-rig.ts'
import { joined, makeBatch } from '../support/record-batches.ts'

const thing = (id: number, note = `thing ${id}`): Thing => ({ id, owner: id % 3, note })
const THINGS = Array.from({ length: 30 }, (_, i) => thing(i + 1))

async function over(things: readonly Thing[] = THINGS): Promise<{ chunks: ChunkStore; base: LayeredEntry }> {
  const { chunks } = (await memoryRepository()).scope()
  return { chunks, base: await storeBase(chunks, things) }
}

const idsOf = async (chunks: ChunkStore, range: LayeredEntry): Promise<number[]> =>
  (await joined(readRange(chunks, range)))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as Thing).id)

describe('a delta chunk', () => {
  test('holds upserts, deletes and anchors as lines, and says in its index what each is', async () => {
    const { chunks } = await over()
    const delta = newDelta()
    delta.anchor(null)
    await upsert(delta, thing(100), thing(101))
    await delta.delete('[2]')
    await upsert(delta, thing(3, 'new'))
    delta.anchor('[1]') // superseded, hence not written
    delta.anchor('[3]')
    await upsert(delta, thing(102))
    delta.anchor('[30]') // followed by nothing, hence not written
    expect([delta.upserts, delta.deletes]).toEqual([4, 1])
    const { ref } = await chunks.put(await delta.finish())
    const lines = (await joined(chunks.read(ref))).toString()
    expect(lines).toBe(
      ['["@",null]', '{"id":100,"owner":1,"note":"thing 100"}', '{"id":101,"owner":2,"note":"thing 101"}', '["-",[2]]', '{"id":3,"owner":0,"note":"new"}']
        .concat('["@",[3]]', '{"id":102,"owner":0,"note":"thing 102"}', '')
        .join('\n'),
    )
    expect(ref).toMatchObject({ kind: 'delta', rows: 7, deletes: 1, anchors: 2, sha256: createHash('sha256').update(lines).digest('hex') })
    const index = await chunks.readIndex(ref)
    expect([...index.keys()]).toEqual(['@null', '[100]', '[101]', '-[2]', '[3]', '@[3]', '[102]'])
    expect([index.mayReference('owner', '0'), index.mayReference('owner', '"x"')]).toEqual([true, false])
    for (const level of ['presence', 'stored', 'plain'] as const) await chunks.verify(ref, { level })
  })

  test('takes rows out of the middle of a batch, and copies them', async () => {
    const { chunks, base } = await over()
    const batch = makeBatch([thing(1, 'a'), thing(2, 'b'), thing(3, 'c'), thing(4, 'd')], { key: ['id'], references: ['owner'] })
    const delta = newDelta()
    await delta.upsert(batch, 1, 3)
    await delta.upsert(batch, 3, 3)
    batch.bytes.fill(0)
    const range = await layer(chunks, base, delta)
    const after = THINGS.map((one) => (one.id === 2 ? thing(2, 'b') : one.id === 3 ? thing(3, 'c') : one))
    expect((await joined(readRange(chunks, range))).toString()).toBe(linesOf(after).toString())
  })

  test('without changes is refused, as are batches of another shape', async () => {
    const empty = newDelta()
    empty.anchor('[1]')
    await expect(empty.finish()).rejects.toThrow(TypeError)
    const plain = createDeltaEncoder({ compression: 'none', level: 0, references: [] })
    await expect(upsert(plain, thing(1))).rejects.toThrow(TypeError)
  })

  test('and a base chunk of the same lines stand beside each other', async () => {
    const { chunks, base } = await over([thing(1), thing(2)])
    const delta = newDelta()
    await upsert(delta, thing(1), thing(2))
    const stored = await chunks.put(await delta.finish())
    expect(stored).toMatchObject({ written: true, ref: { kind: 'delta', sha256: base.sha256, name: `${base.sha256}.1` } })
    expect(await storeBase(chunks, [thing(1), thing(2)])).toEqual(base)
    const again = newDelta()
    await upsert(again, thing(1), thing(2))
    expect(await chunks.put(await again.finish())).toMatchObject({ written: false, ref: stored.ref })
    expect(await idsOf(chunks, await layerDelta(chunks, base, stored))).toEqual([1, 2])
  })

  test('of very many changes is made of several frames', async () => {
    const before = Array.from({ length: 20_000 }, (_, i) => thing(i + 1))
    const { chunks, base } = await over(before)
    const after = before.map(({ id }) => thing(id, 'x'.repeat(100)))
    const range = await layer(chunks, base, (await deltaBetween(before, after))!)
    expect((await chunks.readIndex(range.layers[1]!)).frames.length).toBeGreaterThan(2)
    expect((await joined(readRange(chunks, range))).equals(linesOf(after))).toBe(true)
  })
})

describe('layers', () => {
  test('go over one another: the newest decides', async () => {
    const { chunks, base } = await over()
    const states = [
      THINGS,
      THINGS.toSpliced(10, 5),
      THINGS.toSpliced(10, 5, thing(100), thing(101)),
      THINGS.toSpliced(10, 5, thing(11, 'back'), thing(101), thing(102)).toSpliced(0, 1),
      [thing(102), thing(200)],
    ]
    let range = base
    for (const [i, state] of states.entries()) {
      if (i === 0) continue
      range = await layer(chunks, range, (await deltaBetween(states[i - 1]!, state))!)
      expect(await idsOf(chunks, range)).toEqual(state.map(({ id }) => id))
      expect([range.rows, range.firstKey, range.lastKey]).toEqual([state.length, keyOf(state[0]!), keyOf(state.at(-1)!)])
    }
    expect(await findRecord(chunks, range, '[11]')).toBeNull()
    expect(Buffer.from((await findRecord(chunks, range, '[102]'))!).toString()).toBe('{"id":102,"owner":0,"note":"thing 102"}')
    for (const key of ['[999]', '-[1]', '@null', '@[3]', '', '[1]\n']) expect(await findRecord(chunks, range, key)).toBeNull()
  })

  test('of which nothing is left make an empty range', async () => {
    const { chunks, base } = await over()
    const range = await layer(chunks, { ...base, from: '[1]', to: '[99]' }, (await deltaBetween(THINGS, []))!)
    expect(range).toEqual({ from: '[1]', to: '[99]', rows: 0, sha256: createHash('sha256').digest('hex'), firstKey: null, lastKey: null, layers: [] })
    expect(await joined(readRange(chunks, range))).toHaveLength(0)
    expect((await rangeKeys(chunks, range)).rows).toBe(0)
  })

  test('tell their keys without a chunk being read', async () => {
    const storage = new FaultyStorage(memoryStorage())
    const { chunks } = (await memoryRepository(storage)).scope()
    const range = await layer(chunks, await storeBase(chunks, THINGS), (await deltaBetween(THINGS, THINGS.toSpliced(3, 1, thing(50))))!)
    storage.operations.length = 0
    const { rows, keys } = await rangeKeys(chunks, range)
    expect([rows, [...keys()][3], [...keys()].length]).toEqual([30, '[50]', 30])
    expect(storage.operations.filter(({ key }) => key.endsWith('.hfc'))).toEqual([])
  })

  test('pass untouched stretches of the base on as they are', async () => {
    const before = Array.from({ length: 20_000 }, (_, i) => thing(i + 1, 'y'.repeat(50)))
    const { chunks } = await over()
    const base = await storeBase(chunks, before, { frameRows: 5000 })
    const range = await layer(chunks, base, (await deltaBetween(before, before.toSpliced(7_000, 1)))!)
    const pieces: number[] = []
    for await (const piece of readRange(chunks, range)) pieces.push(piece.byteLength)
    expect(pieces.length).toBe(5) // four frames, one of them in two
  })

  test('stop when aborted, before and between', async () => {
    const { chunks, base } = await over()
    const range = await layer(chunks, base, (await deltaBetween(THINGS, THINGS.toSpliced(3, 1)))!)
    await expect(joined(readRange(chunks, range, { signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'E_ABORTED' })
    for (const work of [rangeKeys(chunks, range, { signal: AbortSignal.abort() }), findRecord(chunks, range, '[1]', { signal: AbortSignal.abort() })])
      await expect(work).rejects.toMatchObject({ code: 'E_ABORTED' })
  })
})

type Write = (delta: DeltaEncoder) => Promise<void> | void

describe('a delta that does not fit', () => {
  test.each<[string, number, Write, string]>([
    ['deletes a key that is not there', 29, (d) => d.delete('[99]'), '[99], which is not in the layers below'],
    ['deletes a key twice', 28, async (d) => (await d.delete('[2]'), await d.delete('[2]')), '[2] twice'],
    ['upserts a key twice', 30, (d) => upsert(d, thing(2, 'a'), thing(2, 'b')), '[2] twice'],
    ['upserts what it deleted', 30, async (d) => (await d.delete('[2]'), await upsert(d, thing(2))), '[2] twice'],
    ['is out of order', 29, async (d) => (await upsert(d, thing(9, 'x')), await d.delete('[8]')), '[8] out of order'],
    ['has a new record without an anchor', 31, (d) => upsert(d, thing(99)), '[99] without an anchor'],
    ['has one behind a known record', 31, (d) => upsert(d, thing(3, 'x'), thing(99)), '[99] without an anchor'],
    ['anchors at a key that is not there', 31, async (d) => (d.anchor('[77]'), await upsert(d, thing(99))), '[77], which is not in the layers below'],
    ['anchors at a key behind', 31, async (d) => (await upsert(d, thing(9, 'x')), d.anchor('[8]'), await upsert(d, thing(99))), '[8] out of order'],
    [
      'anchors at the start when it is past',
      31,
      async (d) => (await upsert(d, thing(1, 'x')), d.anchor(null), await upsert(d, thing(99))),
      'start of the range',
    ],
  ])('because it %s is refused', async (_, rows, write, problem) => {
    const { chunks, base } = await over()
    const delta = newDelta()
    await write(delta)
    const stored = await chunks.put(await delta.finish())
    const failure = { code: 'E_ARCHIVE_CORRUPT', message: expect.stringContaining(problem) as string }
    await expect(layerDelta(chunks, base, stored)).rejects.toMatchObject(failure)
    const range = forged(base, [base.layers[0]!, stored.ref], rows)
    for (const work of [() => joined(readRange(chunks, range)), () => rangeKeys(chunks, range), () => verifyRange(chunks, range, { level: 'plain' })])
      await expect(work()).rejects.toMatchObject({ ...failure, details: { object: expect.stringContaining(stored.ref.name) as string } })
    await verifyRange(chunks, range, { level: 'stored' }) // each layer is sound by itself
  })

  test.each<[string, number[], Write]>([
    ['at a key that was just deleted', [1, 99], async (d) => (await d.delete('[2]'), d.anchor('[2]'), await upsert(d, thing(99)))],
    ['at the last key before what was deleted', [1, 99], async (d) => (await d.delete('[2]'), d.anchor('[1]'), await upsert(d, thing(99)))],
    ['at the start before what was deleted', [99, 2], async (d) => (await d.delete('[1]'), d.anchor(null), await upsert(d, thing(99)))],
    ['at a record that was just replaced', [1, 99], async (d) => (await upsert(d, thing(1, 'x')), d.anchor('[1]'), await upsert(d, thing(99)))],
    ['at a new record', [1, 98, 99], async (d) => (d.anchor('[1]'), await upsert(d, thing(98)), d.anchor('[98]'), await upsert(d, thing(99)))],
    ['twice at one key', [1, 98, 99], async (d) => (d.anchor('[1]'), await upsert(d, thing(98)), d.anchor('[1]'), await upsert(d, thing(99)))],
  ])('may still anchor %s', async (_, start, write) => {
    const { chunks, base } = await over()
    const delta = newDelta()
    await write(delta)
    expect((await idsOf(chunks, await layer(chunks, base, delta))).slice(0, start.length)).toEqual(start)
  })
})

describe('a range that declares', () => {
  const change = async () => {
    const { chunks, base } = await over()
    const after = THINGS.toSpliced(4, 2, thing(60))
    return { chunks, after, range: await layer(chunks, base, (await deltaBetween(THINGS, after))!) }
  }
  const refused = async (chunks: ChunkStore, range: LayeredEntry) =>
    await expect(joined(readRange(chunks, range))).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })

  test('other rows than its layers merge into is refused', async () => {
    const { chunks, range } = await change()
    await refused(chunks, { ...range, rows: 30 })
    await refused(chunks, { ...range, layers: [] })
    await refused(chunks, { ...range, layers: range.layers.slice(0, 1) })
  })

  test('another hash than that of the merged lines is refused, at the end', async () => {
    const { chunks, range, after } = await change()
    const sha256 = createHash('sha256').update(linesOf(after)).digest('hex')
    expect((await joined(readRange(chunks, { ...range, sha256 }))).equals(linesOf(after))).toBe(true)
    await refused(chunks, { ...range, sha256: 'ab'.repeat(32) })
  })

  test('layers of the wrong kind, order or count is refused', async () => {
    const { chunks, range } = await change()
    const [base, delta] = range.layers as [ChunkRef, ChunkRef]
    for (const layers of [[delta, base], [base, base], [delta], [base, { ...delta, deletes: 1 }], [base, { ...delta, anchors: 0 }], [base, delta, delta]])
      await refused(chunks, { ...range, layers })
    await refused(chunks, { ...range, layers: [base, { ...delta, kind: 'base' }] })
  })

  test('a layer that is gone is refused, naming it', async () => {
    const storage = memoryStorage()
    const { chunks } = (await memoryRepository(storage)).scope()
    const range = await layer(chunks, await storeBase(chunks, THINGS), (await deltaBetween(THINGS, THINGS.toSpliced(3, 1)))!)
    const name = range.layers[1]!.name
    await storage.delete([scopeNames(null).chunk(name)])
    await expect(joined(readRange(chunks, range))).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING', message: expect.stringContaining(name) as string })
    await expect(chunks.assertPresent(range.layers)).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
  })
})

describe('folding', () => {
  const options = { compression: 'zstd', level: 1, references: ['owner'], keyFields: 1, chunkBytes: 1_000_000 } as const

  test('gives the chunk that a full backup would have', async () => {
    const { chunks, base } = await over()
    const after = THINGS.toSpliced(4, 2, thing(60))
    const range = await layer(chunks, base, (await deltaBetween(THINGS, after))!, { digest: '7:abc' })
    const folded = await foldLayers(chunks, { ...range, from: '[1]', to: '[99]' }, options)
    expect(folded).toMatchObject([{ range: { from: '[1]', to: '[99]', rows: 29, digest: '7:abc' }, chunk: { written: true } }])
    const full = await storeBase(chunks, after, { frameRows: 1000 })
    expect(folded[0]!.range.layers).toEqual(full.layers)
  })

  test('cuts a range that has grown into parts of about the same size', async () => {
    const { chunks, base } = await over()
    const after = [...THINGS, ...Array.from({ length: 970 }, (_, i) => thing(100 + i))]
    const range = await layer(chunks, base, (await deltaBetween(THINGS, after))!, { digest: '7:abc' })
    const folded = await foldLayers(chunks, range, { ...options, chunkBytes: 10_000 })
    expect(folded.map(({ range: part }) => part.layers[0]!.plainBytes).filter((bytes) => bytes < 9_900 || bytes > 20_000)).toEqual([])
    expect(folded.length).toBe(Math.floor(linesOf(after).byteLength / 10_000))
    expect(folded.every(({ range: part }) => part.digest === undefined)).toBe(true)
  })

  test('of an empty range gives none', async () => {
    const { chunks } = await over()
    expect(await foldLayers(chunks, { from: null, to: null, rows: 0, sha256: '', firstKey: null, lastKey: null, layers: [] }, options)).toEqual([])
  })

  test('is due when layers are many, large, or hold little that is left', () => {
    const ref = { name: 'x', sha256: 'x', rows: 1000, plainBytes: 100_000, storedBytes: 1, storedSha256: 'x', index: { storedBytes: 1, storedSha256: 'x' } }
    const range = (count: number, plainBytes = 10, rows = 1000) => ({
      rows,
      layers: [{ ...ref, kind: 'base' as const }, ...Array.from({ length: count }, () => ({ ...ref, kind: 'delta' as const, plainBytes }))],
    })
    expect([0, 1, 8, 9].map((count) => shouldFold(range(count)))).toEqual([false, false, false, true])
    expect([25_000, 25_001].map((bytes) => shouldFold(range(1, bytes)))).toEqual([false, true])
    expect([500, 499].map((rows) => shouldFold(range(1, 10, rows)))).toEqual([false, true])
    expect(shouldFold({ rows: 0, layers: [] })).toBe(false)
  })
})
