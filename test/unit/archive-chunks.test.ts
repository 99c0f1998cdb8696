import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openKeyIndex } from '../../src/archive/chunk-reader.ts'
import { createChunkEncoder } from '../../src/archive/index.ts'
import { LIMITS } from '../../src/archive/limits.ts'
import { decodePrefix, encodePrefix } from '../../src/archive/object-container.ts'
import { scopeNames } from '../../src/archive/object-names.ts'
import { memoryRepository, ordersChunk, recordOf } from '../support/archive-rig.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { notRun } from '../support/not-run.ts'
import { joined, makeBatch } from '../support/record-batches.ts'

const names = scopeNames(null)
const lines = (first: number, rows: number) =>
  Array.from(
    { length: rows },
    (_, i) => `{"id":${first + i},"customer.id":${(first + i) % 5 === 0 ? null : (first + i) % 7},"note":"order ${first + i}"}\n`,
  ).join('')

describe('a chunk', () => {
  test.each(['zstd', 'gzip', 'none'] as const)('compressed by %s reads back as the same lines', async (compression) => {
    const { chunks } = (await memoryRepository()).scope()
    const encoded = await ordersChunk(1, 100, { compression, level: compression === 'none' ? 0 : 3 })
    const { ref, firstKey, lastKey, written } = await chunks.put(encoded)
    expect({ firstKey, lastKey, written, rows: ref.rows }).toEqual({ firstKey: '[1]', lastKey: '[100]', written: true, rows: 100 })
    const plain = await joined(chunks.read(ref))
    expect(plain.toString()).toBe(lines(1, 100))
    expect(ref.sha256).toBe(createHash('sha256').update(plain).digest('hex'))
    await chunks.verify(ref, { level: 'presence' })
    await chunks.verify(ref, { level: 'stored' })
    await chunks.verify(ref, { level: 'plain' })
    await chunks.assertPresent([ref])
    expect(await recordOf(chunks, ref, '[77]')).toBe('{"id":77,"customer.id":0,"note":"order 77"}')
  })

  test('is named by its lines, whatever the compression', async () => {
    expect((await ordersChunk(1, 10)).id).toBe((await ordersChunk(1, 10, { compression: 'none', level: 0 })).id)
    expect((await ordersChunk(1, 10)).storedSha256).toBe((await ordersChunk(1, 10)).storedSha256)
  })

  test('with the lines of another entity is found by its own key', async () => {
    const pairs = async (key: readonly string[]) => {
      const encoder = createChunkEncoder({ compression: 'zstd', level: 3, references: [] })
      await encoder.append(makeBatch([{ a: 1, b: 2 }], { key }))
      return await encoder.finish()
    }
    const { chunks } = (await memoryRepository()).scope()
    const { ref: byOne } = await chunks.put(await pairs(['a']))
    const { ref: byBoth } = await chunks.put(await pairs(['a', 'b']))
    expect(await recordOf(chunks, byOne, '[1]')).toBe('{"a":1,"b":2}')
    expect(await recordOf(chunks, byBoth, '[1,2]')).toBe('{"a":1,"b":2}')
    expect((await chunks.put(await pairs(['a', 'b']))).written).toBe(false)
  })

  test('is read by the zstd command as it lies in the storage', async () => {
    const { object } = await ordersChunk(1, 50)
    const run = spawnSync('zstd', ['-dc'], { input: Buffer.concat(object) })
    if (run.error) return notRun('a chunk read by the zstd command', 'zstd is not installed', { required: false })
    expect(run.stdout.toString()).toBe(lines(1, 50))
  })

  test('of gzip is a row of ordinary members after prefix and table', async () => {
    const [, , ...members] = (await ordersChunk(1, 50, { compression: 'gzip', level: 6 })).object
    expect(gunzipSync(Buffer.concat(members)).toString()).toBe(lines(1, 50))
  })

  test('says in its header what it is', async () => {
    const { object, id, plainBytes } = await ordersChunk(1, 50)
    expect(decodePrefix(Buffer.concat(object), 'it', ['base']).header).toEqual({
      format: 1,
      magic: 'holdfast',
      kind: 'base',
      compression: 'zstd',
      encryption: null,
      features: [],
      plainBytes,
      plainSha256: id,
      rows: 50,
      frames: 2,
    })
  })

  test('may hold lines far larger than a frame usually is', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const encoder = createChunkEncoder({ compression: 'zstd', level: 1, references: [] })
    const big = { id: 1, text: Buffer.alloc(3 * 1024 * 1024, 'lorem ipsum ').toString() }
    await encoder.append(makeBatch([big, { id: 2, text: '' }], { key: ['id'] }))
    const { ref } = await chunks.put(await encoder.finish())
    expect(JSON.parse((await recordOf(chunks, ref, '[1]'))!)).toEqual(big)
  })

  test('that compresses like a bomb is stored so that readers accept it', async () => {
    const { chunks } = (await memoryRepository()).scope()
    for (const compression of ['zstd', 'gzip'] as const) {
      const encoder = createChunkEncoder({ compression, level: 3, references: [] })
      await encoder.append(makeBatch([{ id: compression, text: 'a'.repeat(LIMITS.freeExpansionBytes) }], { key: ['id'] }))
      const { ref } = await chunks.put(await encoder.finish())
      expect(ref.storedBytes).toBeGreaterThan(ref.plainBytes)
      expect((await joined(chunks.read(ref))).byteLength).toBe(ref.plainBytes)
    }
  })

  test('without rows cannot be made', async () => {
    await expect(createChunkEncoder({ compression: 'zstd', level: 3, references: [] }).finish()).rejects.toThrow(TypeError)
  })

  test('refuses batches whose marks do not fit', async () => {
    const batch = makeBatch([{ id: 1 }], { key: ['id'] })
    await expect(createChunkEncoder({ compression: 'zstd', level: 3, references: ['customer.id'] }).append(batch)).rejects.toThrow('marks')
    await expect(
      createChunkEncoder({ compression: 'zstd', level: 3, references: [] }).append({ ...batch, bytes: Buffer.concat([batch.bytes, batch.bytes]) }),
    ).rejects.toThrow('marks')
  })

  test('holds its caller back while frames are being compressed', async () => {
    const batch = makeBatch([{ id: 1, text: 'x'.repeat(100_000) }], { key: ['id'] })
    const appendTurnsTheLoop = async (concurrency: number) => {
      const encoder = createChunkEncoder({ compression: 'zstd', level: 3, concurrency, references: [] })
      let turned = false
      setImmediate(() => (turned = true))
      await encoder.append(batch)
      const result = turned
      expect((await encoder.finish()).plainBytes).toBe(encoder.plainBytes)
      return result
    }
    expect(await appendTurnsTheLoop(1)).toBe(true) // a frame comes back from the thread pool through the event loop
    expect(await appendTurnsTheLoop(2)).toBe(false)
  })

  test('whose lines are not counted rightly is refused when read', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const encoder = createChunkEncoder({ compression: 'none', level: 0, references: [] })
    const two = makeBatch([{ id: 1 }, { id: 2 }], { key: ['id'] })
    await encoder.append({ ...two, rows: 1, marks: two.marks.slice(2) })
    const { ref } = await chunks.put(await encoder.finish())
    await expect(joined(chunks.read(ref))).rejects.toThrow('2 lines where 1 were declared')
  })
})

describe('storing a chunk again', () => {
  test('uses what is there', async () => {
    const storage = memoryStorage()
    const { chunks } = (await memoryRepository(storage)).scope()
    const first = await chunks.put(await ordersChunk(1, 10))
    expect(await chunks.put(await ordersChunk(1, 10))).toEqual({ ...first, written: false })
  })

  test('uses what is there also when it was compressed otherwise', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const first = await chunks.put(await ordersChunk(1, 10, { compression: 'gzip', level: 9 }))
    const second = await chunks.put(await ordersChunk(1, 10))
    expect(second).toEqual({ ...first, written: false })
    expect((await joined(chunks.read(second.ref))).toString()).toBe(lines(1, 10))
  })

  test.each([
    ['chunk', names.chunk],
    ['index', names.chunkIndex],
  ])('heals when the %s was damaged', async (_, nameOf) => {
    const storage = memoryStorage()
    const { chunks } = (await memoryRepository(storage)).scope()
    const { ref } = await chunks.put(await ordersChunk(1, 10))
    const bytes = await storage.get(nameOf(ref.name))
    bytes[bytes.byteLength - 3]! ^= 1
    await storage.put(nameOf(ref.name), bytes, { ifAbsent: false })
    const healed = await chunks.put(await ordersChunk(1, 10))
    expect(healed).toMatchObject({ written: true, ref: { name: `${ref.sha256}.1`, sha256: ref.sha256 } })
    await chunks.verify(healed.ref, { level: 'plain' })
    await chunks.assertPresent([healed.ref])
    expect(await chunks.put(await ordersChunk(1, 10))).toEqual({ ...healed, written: false })
  })

  test('does not take other lines for its own, though everything else about them fits', async () => {
    const storage = memoryStorage()
    const { chunks } = (await memoryRepository(storage)).scope()
    const mine = await ordersChunk(11, 9, { compression: 'none', level: 0 })
    const other = await ordersChunk(21, 9, { compression: 'none', level: 0 })
    expect([other.rows, other.plainBytes, other.storedBytes]).toEqual([mine.rows, mine.plainBytes, mine.storedBytes])
    await storage.put(names.chunkIndex(mine.id), other.index, { ifAbsent: true })
    await storage.put(names.chunk(mine.id), other.object, { ifAbsent: true })
    expect(await chunks.put(mine)).toMatchObject({ written: true, ref: { name: `${mine.id}.1` } })
  })

  test('does not believe a header that promises its lines', async () => {
    const storage = memoryStorage()
    const { chunks } = (await memoryRepository(storage)).scope()
    const mine = await ordersChunk(11, 9, { compression: 'none', level: 0 })
    const other = await ordersChunk(21, 9, { compression: 'none', level: 0 })
    const lying = Buffer.concat([mine.object[0]!, ...other.object.slice(1)])
    const index = { ...decodePrefix(other.index[0]!, 'it', ['index']).header, chunk: createHash('sha256').update(lying).digest('hex') }
    await storage.put(names.chunkIndex(mine.id), [encodePrefix(index), ...other.index.slice(1)], { ifAbsent: true })
    await storage.put(names.chunk(mine.id), lying, { ifAbsent: true })
    expect(await chunks.put(mine)).toMatchObject({ written: true, ref: { name: `${mine.id}.1` } })
  })

  test('completes what a killed writer left: an index without its chunk', async () => {
    const storage = memoryStorage()
    const { chunks } = (await memoryRepository(storage)).scope()
    const { ref } = await chunks.put(await ordersChunk(1, 10))
    await storage.delete([names.chunk(ref.name)])
    expect(await chunks.put(await ordersChunk(1, 10))).toMatchObject({ written: true, ref })
    await storage.delete([names.chunk(ref.name)])
    expect(await chunks.put(await ordersChunk(1, 10, { compression: 'none', level: 0 }))).toMatchObject({ written: true, ref: { name: `${ref.sha256}.1` } })
  })

  test('takes a put that failed after its effect for done', async () => {
    const storage = new FaultyStorage(memoryStorage(), ({ method, key }) =>
      method === 'put' && key.endsWith('.hfc') ? { kind: 'error', when: 'after' } : undefined,
    )
    const { chunks } = (await memoryRepository(storage)).scope()
    const { ref } = await chunks.put(await ordersChunk(1, 10))
    expect(storage.fired).toBe(1)
    await chunks.verify(ref, { level: 'plain' })
  })

  test('reports a put that failed without effect', async () => {
    const storage = new FaultyStorage(memoryStorage(), ({ method, key }) =>
      method === 'put' && key.endsWith('.hfc') ? { kind: 'error', when: 'before' } : undefined,
    )
    const { chunks } = (await memoryRepository(storage)).scope()
    await expect(chunks.put(await ordersChunk(1, 10))).rejects.toMatchObject({ code: 'E_STORAGE' })
  })
})

describe('verifying', () => {
  test.each(['absent', 'short'] as const)('by listing finds what a lying storage acknowledged (%s)', async (how) => {
    for (const extension of ['.hfc', '.hfx']) {
      const storage = new FaultyStorage(memoryStorage(), ({ method, key }) => (method === 'put' && key.endsWith(extension) ? { kind: 'lie', how } : undefined))
      const { chunks } = (await memoryRepository(storage)).scope()
      const stored = [await chunks.put(await ordersChunk(1, 10)), await chunks.put(await ordersChunk(11, 10))]
      const code = how === 'absent' ? 'E_ARCHIVE_MISSING' : 'E_ARCHIVE_CORRUPT'
      await expect(chunks.assertPresent(stored.map(({ ref }) => ref))).rejects.toMatchObject({ code })
      await expect(chunks.verify(stored[0]!.ref, { level: 'presence' })).rejects.toMatchObject({ code })
    }
  })

  test('refuses chunks of another kind, and names that are none', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const { ref } = await chunks.put(await ordersChunk(1, 10))
    await expect(joined(chunks.read({ ...ref, kind: 'delta' }))).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    for (const name of ['../../x', `${ref.name}.0`, `${ref.name}/x`, ref.name.slice(1), 'f'.repeat(64)]) {
      await expect(joined(chunks.read({ ...ref, name })), name).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    }
  })

  test('stops when aborted', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const { ref } = await chunks.put(await ordersChunk(1, 10))
    await expect(joined(chunks.read(ref, { signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'E_ABORTED' })
  })
})

describe('a key index', () => {
  test('finds one record by two reads: the index and one range of the chunk', async () => {
    const storage = new FaultyStorage(memoryStorage())
    const { chunks } = (await memoryRepository(storage)).scope()
    const { ref } = await chunks.put(await ordersChunk(1, 1000))
    storage.operations.length = 0
    expect(await recordOf(chunks, ref, '[1000]')).toBe('{"id":1000,"customer.id":null,"note":"order 1000"}')
    expect(storage.operations.map(({ method }) => method)).toEqual(['get', 'get'])
    expect(await recordOf(chunks, ref, '[1001]')).toBeNull()
    expect(await recordOf(chunks, ref, '[1]\n[2]')).toBeNull()
  })

  test('says what a chunk cannot refer to', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const index = await chunks.readIndex((await chunks.put(await ordersChunk(1, 1000))).ref)
    for (let customer = 0; customer < 7; customer++) expect(index.mayReference('customer.id', String(customer))).toBe(true)
    const wrong = Array.from({ length: 1000 }, (_, i) => index.mayReference('customer.id', String(1000 + i))).filter(Boolean).length
    expect(wrong).toBeLessThan(50)
    expect(index.mayReference('customer.id', 'null')).toBe(false)
    expect(index.mayReference('no such field', '1')).toBe(true)
  })

  test('belongs to one stored chunk, not to another of the same lines', async () => {
    const chunk = await ordersChunk(1, 9)
    const index = Buffer.concat(chunk.index)
    expect((await openKeyIndex(index, chunk, 'it')).rows).toBe(9)
    await expect(openKeyIndex(index, { ...chunk, storedSha256: 'f'.repeat(64) }, 'it')).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
  })

  test('proves single frames', async () => {
    const storage = memoryStorage()
    const { chunks } = (await memoryRepository(storage)).scope()
    const { ref } = await chunks.put(await ordersChunk(1, 100))
    expect((await joined(chunks.readFrames(ref, [1, 0]))).toString()).toBe(lines(51, 50) + lines(1, 50))
    const bytes = await storage.get(names.chunk(ref.name))
    bytes[bytes.byteLength - 10]! ^= 4
    await storage.put(names.chunk(ref.name), bytes, { ifAbsent: false })
    expect((await joined(chunks.readFrames(ref, [0]))).toString()).toBe(lines(1, 50))
    await expect(joined(chunks.readFrames(ref, [1]))).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
  })

  test('works over a storage that cannot read ranges', async () => {
    const base = memoryStorage()
    const storage = { ...base, capabilities: { ...base.capabilities, rangeRead: false }, get: (key: string) => base.get(key) }
    const { chunks } = (await memoryRepository(storage)).scope()
    const { ref } = await chunks.put(await ordersChunk(1, 100))
    expect((await joined(chunks.readFrames(ref, [1]))).toString()).toBe(lines(51, 50))
  })

  test('knows composite keys of every kind of value', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const encoder = createChunkEncoder({ compression: 'zstd', level: 3, references: [] })
    const records = [
      { 'a"b': 'x,"y\\', n: 1, bits: [1, [2, ']']], rest: 0 },
      { 'a"b': '{"\u2028}', n: -2.5, bits: [], rest: null },
      { 'a"b': '', n: 900719925474099, bits: [true, null], rest: 'a' },
    ]
    await encoder.append(makeBatch(records, { key: ['a"b', 'n', 'bits'] }))
    const { ref, firstKey } = await chunks.put(await encoder.finish())
    const keys = records.map((record) => JSON.stringify([record['a"b'], record.n, record.bits]))
    expect([...(await chunks.readIndex(ref)).keys()]).toEqual(keys)
    expect(firstKey).toBe(keys[0])
    for (const [i, key] of keys.entries()) expect(await recordOf(chunks, ref, key)).toBe(JSON.stringify(records[i]))
  })
})
