import { hash } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openChunk, readOpenedChunk } from '../../src/archive/chunk-reader.ts'
import { decompressFrame } from '../../src/archive/frame-decompressor.ts'
import { decodeFrameTable } from '../../src/archive/frame-table.ts'
import { putJsonObject } from '../../src/archive/json-object.ts'
import { decodeKeyIndex } from '../../src/archive/key-index.ts'
import { decodePrefix, encodePrefix, type ObjectHeader } from '../../src/archive/object-container.ts'
import { scopeNames } from '../../src/archive/object-names.ts'
import { createObjectSpace } from '../../src/archive/object-space.ts'
import { parseRepositoryFile } from '../../src/archive/repository-file.ts'
import { sha256 } from '../../src/archive/sha256.ts'
import { canonicalJson } from '../../src/kernel/canonical-json.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { memoryRepository, ordersChunk, ordersManifest } from '../support/archive-rig.ts'
import { joined } from '../support/record-batches.ts'
import { NASTY } from './fuzz/mutate.ts'

/**
 * Malice that carries the right hashes: the parsers behind them must end in time, with a value or an error of the table, whatever they are given.
 */
const RUNS = 1500
const SLOW_MS = 2000

async function expectTyped(parse: () => unknown): Promise<void> {
  const started = performance.now()
  try {
    await parse()
  } catch (error) {
    // Missing: a journal entry may name an attempt that nobody made.
    const typed = ['E_ARCHIVE_CORRUPT', 'E_ARCHIVE_FORMAT', 'E_ARCHIVE_MISSING', 'E_SNAPSHOT_UNKNOWN'] as const
    if (!typed.some((code) => isHoldfastError(error, code))) throw error
  }
  expect(performance.now() - started).toBeLessThan(SLOW_MS)
}

const nasty = fc.oneof(fc.constantFrom<unknown>(...NASTY), fc.string({ unit: 'binary', maxLength: 20 }), fc.integer())

/** The value with a few of its parts, wherever they are, replaced, removed or doubled. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  const paths: (readonly (string | number)[])[] = []
  const collect = (part: unknown, path: readonly (string | number)[]) => {
    paths.push(path)
    if (typeof part === 'object' && part !== null)
      for (const [name, member] of Object.entries(part)) collect(member, [...path, Array.isArray(part) ? Number(name) : name])
  }
  collect(value, [])
  const edit = fc.record({ path: fc.constantFrom(...paths.slice(1)), how: fc.constantFrom('replace', 'remove', 'double'), by: nasty })
  return fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) => {
    const copy = structuredClone(value)
    for (const { path, how, by } of edits) {
      let parent: unknown = copy
      for (const step of path.slice(0, -1))
        parent = typeof parent === 'object' && parent !== null ? (parent as Record<string | number, unknown>)[step] : undefined
      if (typeof parent !== 'object' || parent === null) continue
      const last = path.at(-1)!
      if (how === 'replace') (parent as Record<string | number, unknown>)[last] = by
      else if (Array.isArray(parent)) parent.splice(Number(last), how === 'remove' ? 1 : 0, ...(how === 'double' ? [parent[Number(last)]] : []))
      else Reflect.deleteProperty(parent, last)
    }
    return JSON.parse(JSON.stringify(copy)) as unknown
  })
}

/** Bytes with some changed, some cut out and some put in. */
function mutatedBytes(bytes: Uint8Array): fc.Arbitrary<Buffer> {
  const edit = fc.record({
    at: fc.nat(bytes.byteLength),
    cut: fc.nat(8),
    put: fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.constant(Uint8Array.of(255, 255, 255, 255)), fc.constant(Uint8Array.of(0, 0, 0, 128))),
  })
  return fc
    .array(edit, { minLength: 1, maxLength: 4 })
    .map((edits) => edits.reduce((copy, { at, cut, put }) => Buffer.concat([copy.subarray(0, at), put, copy.subarray(at + cut)]), Buffer.from(bytes)))
}

describe('any mutation ends in a value or an error of the table', () => {
  test('of a header', async () => {
    const header = decodePrefix(Buffer.concat((await ordersChunk(1, 5)).object), 'it', ['base']).header
    await fc.assert(
      fc.asyncProperty(mutated(header), (value) => expectTyped(() => decodePrefix(encodePrefix(value as ObjectHeader), 'it', ['base']))),
      { numRuns: RUNS },
    )
  })

  test('of a chunk behind its header', async () => {
    const { object } = await ordersChunk(1, 50)
    const [prefix, table, ...frames] = object
    const entries = table!.subarray(8, -32)
    await fc.assert(
      fc.asyncProperty(mutated(decodePrefix(prefix!, 'it', ['base']).header), mutatedBytes(entries), fc.boolean(), async (header, changed, keepHeader) => {
        const fixed = Buffer.alloc(8)
        fixed.writeUInt32LE(0x184d2a5f, 0)
        fixed.writeUInt32LE(changed.byteLength + 32, 4)
        const rehashed = Buffer.concat([fixed, changed, hash('sha256', changed, 'buffer')])
        await expectTyped(() => decodeFrameTable(rehashed, Math.floor(changed.byteLength / 12), 'it'))
        const bytes = Buffer.concat([keepHeader ? prefix! : encodePrefix(header as ObjectHeader), rehashed, ...frames])
        await expectTyped(async () => await joined(readOpenedChunk(openChunk(bytes, 'base', 'it'))))
      }),
      { numRuns: RUNS },
    )
  })

  test('of the frames of a chunk, one by one', async () => {
    const { object } = await ordersChunk(1, 50)
    const frames = Buffer.concat(object.slice(2))
    await fc.assert(
      fc.asyncProperty(fc.nat(frames.byteLength - 1), fc.nat(255), async (at, byte) => {
        const changed = Buffer.from(frames)
        changed[at] = byte
        await expectTyped(async () => await joined(readOpenedChunk(openChunk(Buffer.concat([object[0]!, object[1]!, changed]), 'base', 'it'))))
      }),
      { numRuns: 500 },
    )
  })

  test('of a key index', async () => {
    const { chunks } = (await memoryRepository()).scope()
    const encoded = await ordersChunk(1, 40, { compression: 'none', level: 0 })
    await chunks.put(encoded)
    const plain = encoded.index[1]!
    await fc.assert(
      fc.asyncProperty(mutatedBytes(plain), (bytes) =>
        expectTyped(() => {
          const index = decodeKeyIndex(bytes, 'none', 'it')
          for (const key of index.keys()) index.find(key)
          index.mayReference('customer.id', '3')
        }),
      ),
      { numRuns: RUNS * 4 },
    )
  })

  test('of a manifest', async () => {
    const storage = memoryStorage()
    const repository = await memoryRepository(storage)
    const scope = repository.scope()
    const space = createObjectSpace(storage, '', repository.id)
    const sound = ordersManifest(repository, [await scope.chunks.put(await ordersChunk(1, 5)), await scope.chunks.put(await ordersChunk(6, 5))])
    await fc.assert(
      fc.asyncProperty(mutated(sound), async (value) => {
        await putJsonObject(space, scopeNames(null).manifest(sound.snapshotId), 'manifest', value)
        await expectTyped(() => scope.readManifest(sound.snapshotId))
        await storage.delete([scopeNames(null).manifest(sound.snapshotId)])
      }),
      { numRuns: RUNS },
    )
  })

  test('of a manifest that is nested without end', async () => {
    const storage = memoryStorage()
    const repository = await memoryRepository(storage)
    const scope = repository.scope()
    const manifest = ordersManifest(repository, [await scope.chunks.put(await ordersChunk(1, 5))])
    const levels = 200_000
    const type = `${'{"delimiter":",","kind":"array","element":'.repeat(levels)}{"kind":"int"}${'}'.repeat(levels)}`
    const plain = Buffer.from(JSON.stringify(manifest).replace('{"kind":"int"}', type))
    const object = scopeNames(null).manifest(manifest.snapshotId)
    const header = { format: 1, magic: 'holdfast', kind: 'manifest', compression: 'none', encryption: null, features: [] } as const
    const sums = { plainBytes: plain.byteLength, plainSha256: sha256(plain), bodySha256: sha256(plain), repositoryId: repository.id, object }
    await storage.put(object, [encodePrefix({ ...header, ...sums }), plain], { ifAbsent: true })
    await expect(scope.readManifest(manifest.snapshotId)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
  })

  test('of a session, an attempt and a journal entry', async () => {
    const storage = memoryStorage()
    const repository = await memoryRepository(storage)
    const { sessions, chunks } = repository.scope()
    const space = createObjectSpace(storage, '', repository.id)
    const { evidence: _, ...range } = ordersManifest(repository, [await chunks.put(await ordersChunk(1, 5))]).entities[0]!.ranges[0]!
    const sessionId = uuidv7()
    const at = '2026-11-21T10:00:00.000Z'
    const owner = { store: 'default', entity: 'Order' }
    const names = scopeNames(null)
    const objects = [
      [
        names.session(sessionId),
        'session',
        {
          sessionId,
          planId: 'p',
          planDigest: 'ab'.repeat(32),
          scope: null,
          series: 's',
          kind: 'full',
          parent: null,
          startedAt: at,
          trigger: 'manual',
          metadata: {},
        },
      ],
      [names.attempt(sessionId, 1), 'attempt', { n: 1, host: 'h', pid: 1, startedAt: at, nonce: uuidv7() }],
      [
        names.journalEntry(sessionId, 1),
        'journal',
        {
          n: 1,
          attempt: 1,
          type: 'chunks',
          cuts: [{ ...owner, range: { from: null, to: '[1]' }, schema: 'ab'.repeat(32) }],
          ranges: [{ ...owner, bucket: 'b', range, evidence: { method: 'xmin', values: { a: 'b' } }, schema: 'ab'.repeat(32) }],
          at,
        },
      ],
    ] as const
    for (const [key, kind, value] of objects) await putJsonObject(space, key, kind, value)
    expect((await sessions.readJournal(sessionId)).entries).toHaveLength(1)
    for (const [key, kind, value] of objects) {
      const sound = await storage.get(key)
      await fc.assert(
        fc.asyncProperty(mutated(value), async (changed) => {
          await storage.delete([key])
          await putJsonObject(space, key, kind, changed)
          await expectTyped(() => sessions.read(sessionId))
          await expectTyped(() => sessions.readJournal(sessionId))
          await expectTyped(() => sessions.liveness(sessionId))
        }),
        { numRuns: 400 },
      )
      await storage.put(key, sound, { ifAbsent: false })
    }
  })

  test('of the repository file', async () => {
    const storage = memoryStorage()
    await memoryRepository(storage)
    const { sha256: _, ...facts } = JSON.parse(Buffer.from(await storage.get('repository.json')).toString()) as Record<string, unknown>
    await fc.assert(
      fc.asyncProperty(mutated(facts), (value) =>
        expectTyped(() => parseRepositoryFile(Buffer.from(JSON.stringify({ ...(value as object), sha256: sha256(canonicalJson(value)) })), 'it')),
      ),
      { numRuns: RUNS },
    )
    for (const text of [
      '',
      'null',
      '[]',
      '7',
      '"x"',
      '{"magic":"holdfast"',
      '['.repeat(60_000),
      `{"magic":"holdfast","x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
    ])
      await expectTyped(() => parseRepositoryFile(Buffer.from(text), 'it'))
  })
})

describe('bombs', () => {
  test('case 36: that declare more than they may are refused before memory is taken', async () => {
    const bomb = Buffer.alloc(12)
    bomb.writeUInt32LE(1000, 0)
    bomb.writeUInt32LE(900_000_000, 4)
    const fixed = Buffer.alloc(8)
    fixed.writeUInt32LE(0x184d2a5f, 0)
    fixed.writeUInt32LE(44, 4)
    expect(() => decodeFrameTable(Buffer.concat([fixed, bomb, hash('sha256', bomb, 'buffer')]), 1, 'it')).toThrow('E_ARCHIVE_CORRUPT')
  })

  test('case 36: that hold more than they declare stop at what they declared', async () => {
    const zeros = zstdCompressSync(Buffer.alloc(1024 * 1024))
    const bomb = Buffer.concat(Array.from({ length: 500 }, () => zeros)) // 500 MiB of zeros in a few KB; concatenated frames are read as one
    const before = process.resourceUsage().maxRSS
    await expect(decompressFrame(bomb, 'zstd', 10, 'it')).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    const grown = gzipSync(Buffer.alloc(100 * 1024 * 1024))
    await expect(decompressFrame(grown, 'gzip', 10, 'it')).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(200 * 1024) // KiB: the 100 MiB of zeros above, and some
  })
})
