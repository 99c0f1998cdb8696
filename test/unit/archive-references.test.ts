import { describe, expect, test } from 'vitest'
import { createChunkAssembler } from '../../src/archive/chunk-assembler.ts'
import { encodeKeyIndex } from '../../src/archive/key-index-format.ts'
import { decodeKeyIndex } from '../../src/archive/key-index.ts'
import { checkManifest, type ChunkRef, createChunkEncoder, findReferring, type RangeEntry, readReferring, ReferenceSearch } from '../../src/archive/index.ts'
import { memoryRepository, ordersChunk, ordersManifest } from '../support/archive-rig.ts'
import { type LayeredEntry, newDelta, layer, storeBase, type Thing, upsert } from '../support/layer-rig.ts'
import { joined, makeBatch } from '../support/record-batches.ts'

type Values = Readonly<Record<string, unknown>>

/** A chunk whose frames hold records with these values in their reference fields. */
async function stored(frames: readonly (readonly Values[])[]) {
  const references = Object.keys(frames[0]![0]!)
  const { chunks } = (await memoryRepository()).scope()
  const encoder = createChunkEncoder({ compression: 'zstd', level: 1, references })
  let id = 0
  for (const values of frames)
    await encoder.append(
      makeBatch(
        values.map((each) => ({ id: ++id, ...each })),
        { key: ['id'], references },
      ),
    )
  const { ref } = await chunks.put(await encoder.finish())
  return { chunks, ref, index: await chunks.readIndex(ref) }
}

const one = (field: string, ...values: unknown[]) => new ReferenceSearch([{ field, values: values.map((value) => JSON.stringify(value)) }])
const frame = (...owners: unknown[]) => owners.map((owner) => ({ owner }))
const withoutReferences = ({ references: _references, ...ref }: ChunkRef): ChunkRef => ref

describe('bounds of references', () => {
  test('stand in the reference to the chunk, and frame by frame in its index', async () => {
    const { ref, index } = await stored([frame(7, 9, 10), frame(null, 30, 12), frame(null, null)])
    expect(ref.references).toEqual([{ field: 'owner', least: '7', greatest: '30' }])
    expect(index.frameBounds('owner')).toEqual([['7', '10'], ['12', '30'], null])
    expect(index.references).toEqual(ref.references)
    expect([one('owner', 6), one('owner', 7), one('owner', 11), one('owner', 30), one('owner', 31)].map((search) => search.mayBeIn(ref))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ])
    expect([9, 12, 31].map((owner) => one('owner', owner).frames(index))).toEqual([[0], [1], []])
    expect(one('owner', 31, 9, 30).frames(index)).toEqual([0, 1])
  })

  test('that do not speak of every frame are not noted', async () => {
    const assembler = createChunkAssembler({ kind: 'base', compression: 'none', level: 0 })
    for (const owner of [1, 2]) await assembler.append(Buffer.from(`{"id":${owner},"owner":${owner}}\n`), 1)
    const line = '{"id":1,"owner":1}\n'.length
    const content = { lineLengths: Uint32Array.of(line, line), keys: Buffer.from('[1]\n[2]\n'), firstKey: '[1]', lastKey: '[2]', release() {} }
    const { references } = await assembler.finish({ ...content, references: [{ field: 'owner', hashes: new Uint32Array(), frames: [['1', '1']] }] })
    expect(references).toEqual([])
  })

  const LONG = 'x'.repeat(61)
  const UUIDS = ['01a1fc73-62d7-7000-bc8d-1910326b2c35', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', '00000000-0000-0000-0000-000000000000']
  test.each([
    ['negative numbers', [-5, -40, 3, 0, -1, 12]],
    ['whole numbers beyond 2^53', ['9007199254740993', '-9223372036854775808', '9223372036854775807', '10', '9']],
    ['decimals as they are written', ['1.10', '1.1', '-0.5', '100000000000000000000', 'NaN']],
    ['texts, whatever order a collation gives them', ['a', 'B', 'é', 'e', 'Z', 'zz', '', 'ß', 'ss', '😀', '｡', 'a"b', 'a\\b', 'a\nb']],
    ['identifiers', UUIDS],
    ['values of different kinds', [1, '1', true, { integer: '1' }, { text: 'x' }, 1.5]],
    ['texts as long as are noted', [`${LONG}a`, LONG, `${LONG.slice(1)}b`]],
  ])('leave out no value that is there: %s', async (_, values) => {
    for (const cut of [1, 2, values.length]) {
      const frames: Values[][] = []
      for (let at = 0; at < values.length; at += cut) frames.push(frame(...values.slice(at, at + cut), null))
      const { chunks, ref, index } = await stored(frames)
      expect(ref.references).toHaveLength(1)
      for (const [at, value] of values.entries()) {
        expect(one('owner', value).mayBeIn(ref)).toBe(true)
        expect(one('owner', value).frames(index)).toContain(Math.floor(at / cut))
        expect(one('owner', 'nobody has this', value, 0.25).frames(index)).toContain(Math.floor(at / cut))
      }
      await chunks.verify(ref, { level: 'plain' })
    }
  })

  test('are not noted of a field with a longer value, and rule nothing out then', async () => {
    const { ref, index } = await stored([
      [
        { owner: `${LONG}ab`, other: 1 },
        { owner: 'a', other: 2 },
      ],
    ])
    expect(ref.references).toEqual([{ field: 'other', least: '1', greatest: '2' }])
    expect(index.frameBounds('owner')).toBeNull()
    expect(one('owner', `${LONG}ab`).mayBeIn(ref)).toBe(true)
    expect(one('owner', 'zzz').mayBeIn(ref)).toBe(true)
    expect(one('owner', `${LONG}ab`).frames(index)).toEqual([0])
  })

  test('of a chunk in which nothing refers to anything leave out every value', async () => {
    const { ref, index } = await stored([frame(null, null)])
    expect(ref.references).toEqual([{ field: 'owner', least: null, greatest: null }])
    expect([one('owner', 1).mayBeIn(ref), one('owner', 1).frames(index)]).toEqual([false, []])
  })

  test('hold field by field for references of several fields', async () => {
    const { ref, index } = await stored([
      [
        { tenant: 'a', owner: 1 },
        { tenant: 'b', owner: 9 },
      ],
      [
        { tenant: 'c', owner: 4 },
        { tenant: 'd', owner: 5 },
      ],
    ])
    const both = (tenants: readonly string[], owners: readonly number[]) =>
      new ReferenceSearch([
        { field: 'tenant', values: tenants.map((each) => JSON.stringify(each)) },
        { field: 'owner', values: owners.map(String) },
      ])
    expect([both(['a'], [1]).mayBeIn(ref), both(['d'], [9]).mayBeIn(ref), both(['e'], [4]).mayBeIn(ref), both(['a'], [10]).mayBeIn(ref)]).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect([both(['a'], [1]).frames(index), both(['c'], [4]).frames(index), both(['a'], [4]).frames(index).includes(1)]).toEqual([[0], [1], false])
  })

  test('of values that are asked for in any order, and twice', async () => {
    const { ref } = await stored([frame(100, 200)])
    expect(one('owner', 5000, 7, 150, 7, 1).mayBeIn(ref)).toBe(true)
    expect(one('owner', 5000, 7, 99, 7, 1).mayBeIn(ref)).toBe(false)
    expect(new ReferenceSearch([{ field: 'owner', values: [] }]).mayBeIn(ref)).toBe(false)
    expect(new ReferenceSearch([]).mayBeIn(ref)).toBe(true)
  })
})

describe('a search for references', () => {
  const things = (from: number, rows: number): Thing[] => Array.from({ length: rows }, (_, i) => ({ id: from + i, owner: 1000 + from + i, note: 'n' }))

  async function searched(range: LayeredEntry, chunks: Parameters<typeof findReferring>[0], owner: number) {
    const read: string[] = []
    const metered = { ...chunks, readIndex: (ref: ChunkRef) => (read.push(ref.name), chunks.readIndex(ref)) }
    const place = await findReferring(metered, range, new ReferenceSearch([{ field: 'owner', values: [String(owner)] }]))
    const lines = place ? (await joined(readReferring(metered, range, place))).toString() : ''
    return { indexes: read.length, place, has: lines.includes(`"owner":${owner},`), rows: lines.split('\n').length - 1 }
  }

  test('reads no index where the bounds rule the chunk out, and one frame where the index tells which', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const range = await storeBase(chunks, things(1, 300), { frameRows: 50 })
    expect(await searched(range, chunks, 5)).toEqual({ indexes: 0, place: null, has: false, rows: 0 })
    expect(await searched(range, chunks, 1120)).toMatchObject({ indexes: 1, place: { frames: [2] }, has: true, rows: 50 })
  })

  test('asks the index of a chunk that an older Holdfast stored, and reads what it may hold', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const range = await storeBase(chunks, things(1, 300), { frameRows: 50 })
    const older = { ...range, layers: range.layers.map(withoutReferences) }
    expect(await searched(older, chunks, 5)).toMatchObject({ indexes: 1, place: null })
    expect(await searched(older, chunks, 1120)).toMatchObject({ indexes: 1, has: true })
  })

  test('reads few records at once, without their index', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const range = await storeBase(chunks, things(1, 100), { frameRows: 50 })
    expect(await searched(range, chunks, 5)).toMatchObject({ indexes: 0, place: null })
    expect(await searched(range, chunks, 1020)).toMatchObject({ indexes: 0, place: { frames: null }, has: true, rows: 100 })
  })

  test('finds what a delta brought, where the base has nothing of it', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const base = await storeBase(chunks, things(1, 300), { frameRows: 50 })
    const delta = newDelta()
    await upsert(delta, { id: 7, owner: 5, note: 'moved' })
    await delta.delete('[8]')
    const range = await layer(chunks, base, delta)
    expect(range.layers.map(({ references }) => references)).toEqual([
      [{ field: 'owner', least: '1001', greatest: '1300' }],
      [{ field: 'owner', least: '5', greatest: '5' }],
    ])
    expect(await searched(range, chunks, 5)).toMatchObject({ indexes: 1 + 2, place: { frames: null }, has: true, rows: 299 })
    expect(await searched(range, chunks, 6)).toMatchObject({ indexes: 0, place: null })
    expect(await searched(range, chunks, 1200)).toMatchObject({ has: true, rows: 299 })
  })
})

describe('an index', () => {
  const content = (data: string) => {
    const keys = Buffer.from('[1]\n[2]\n')
    const frames = [1, 2].map(() => ({ storedBytes: 10, plainBytes: 5, rows: 1, sha256: new Uint8Array(32) }))
    const references = [{ field: 'owner', hashes: new Uint32Array([1]), frames: [['1', '1'] as const, ['2', '2'] as const] }]
    const plain = Buffer.from(encodeKeyIndex({ lineLengths: new Uint32Array([5, 5]), keys, references }, frames, 0))
    const at = plain.indexOf('1\n1\n2\n2\n')
    plain.write(data, at, 'utf8')
    return decodeKeyIndex(plain, 'none', 'x.hfx')
  }

  test.each([
    ['another number of values', '1\n1\n2222'],
    ['a value without its other', '\n11\n2\n2\n'],
    ['bounds the wrong way round', '3\n1\n2\n2\n'],
  ])('with %s says nothing of the field', (_, data) => {
    expect(content('1\n1\n2\n2\n').frameBounds('owner')).toEqual([
      ['1', '1'],
      ['2', '2'],
    ])
    expect(content(data).frameBounds('owner')).toBeNull()
    expect(content(data).references).toEqual([])
  })

  test('with other bounds than the manifest gives is found out', async () => {
    const { chunks, ref } = await stored([frame(7, 9)])
    for (const wrong of [{ least: '8' }, { greatest: '8' }, { least: null, greatest: null }]) {
      const claimed = { ...ref, references: [{ ...ref.references![0]!, ...wrong }] }
      await expect(chunks.readIndex(claimed)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
      await expect(chunks.verify(claimed, { level: 'plain' })).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    }
    await chunks.readIndex(withoutReferences(ref))
  })
})

describe('a manifest', () => {
  const manifestWith = async (references: unknown) => {
    const repository = await memoryRepository()
    const manifest = ordersManifest(repository, [await repository.scope().chunks.put(await ordersChunk(1, 10))])
    const [entity] = manifest.entities
    const [range] = entity!.ranges
    const layers = [references === undefined ? withoutReferences(range!.layers[0]!) : { ...range!.layers[0]!, references }]
    return checkManifest({ ...manifest, entities: [{ ...entity!, ranges: [{ ...range!, layers } as RangeEntry] }] }, 'manifest')
  }

  test('of an older Holdfast has none', async () => {
    expect((await manifestWith(undefined)).entities[0]!.ranges[0]!.layers[0]!.references).toBeUndefined()
  })

  test.each([
    ['the wrong way round', [{ field: 'customer.id', least: '6', greatest: '1' }]],
    ['on one side only', [{ field: 'customer.id', least: null, greatest: '1' }]],
    ['that are numbers', [{ field: 'customer.id', least: 1, greatest: 6 }]],
    ['without a value', [{ field: 'customer.id', least: '', greatest: '6' }]],
    ['of no field', [{ least: '1', greatest: '6' }]],
  ])('with bounds %s is refused', async (_, references) => {
    expect((await manifestWith([{ field: 'customer.id', least: '0', greatest: '6' }])).entities).toHaveLength(1)
    await expect(manifestWith(references)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
  })
})
