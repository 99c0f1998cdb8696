import { beforeAll, describe, expect, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import {
  type ChunkRef,
  findRecord,
  type Manifest,
  openRepository,
  rangeKeys,
  readRange,
  type Repository,
  type RepositoryScope,
  type SessionRecord,
} from '../../src/archive/index.ts'
import { scopeNames } from '../../src/archive/object-names.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { ordersChunk, ordersManifest } from '../support/archive-rig.ts'
import { deltaBetween, layer, type LayeredEntry, storeBase, type Thing } from '../support/layer-rig.ts'
import { joined } from '../support/record-batches.ts'

const storage = memoryStorage()
const names = scopeNames(null)
const at = '2026-11-21T10:00:00.000Z'
let repository: Repository
let scope: RepositoryScope
let ref: ChunkRef
let manifest: Manifest
let session: SessionRecord
/** A base, and two deltas over it. */
let layered: LayeredEntry

const readLayered = async () => (await joined(readRange(scope.chunks, layered))).toString()

/** Every kind of object, and how it is read. What a reader gives for the sound object is all that it may ever give. */
const readers: Record<string, { key: () => string; read: () => Promise<unknown> }> = {
  chunk: { key: () => names.chunk(ref.name), read: async () => (await joined(scope.chunks.read(ref))).toString() },
  index: { key: () => names.chunkIndex(ref.name), read: async () => [...(await scope.chunks.readIndex(ref)).keys()] },
  'base of layers': { key: () => names.chunk(layered.layers[0]!.name), read: readLayered },
  'index of a base of layers': { key: () => names.chunkIndex(layered.layers[0]!.name), read: readLayered },
  'lower delta': { key: () => names.chunk(layered.layers[1]!.name), read: readLayered },
  delta: { key: () => names.chunk(layered.layers[2]!.name), read: readLayered },
  'index of a delta': { key: () => names.chunkIndex(layered.layers[2]!.name), read: async () => [...(await rangeKeys(scope.chunks, layered)).keys()] },
  'index of a lower delta': { key: () => names.chunkIndex(layered.layers[1]!.name), read: () => findRecord(scope.chunks, layered, '[4]') },
  manifest: { key: () => names.manifest(manifest.snapshotId), read: () => scope.readManifest(manifest.snapshotId) },
  session: { key: () => names.session(session.sessionId), read: () => scope.sessions.read(session.sessionId) },
  attempt: { key: () => names.attempt(session.sessionId, 1), read: () => scope.sessions.liveness(session.sessionId) },
  journal: { key: () => names.journalEntry(session.sessionId, 1), read: () => scope.sessions.readJournal(session.sessionId) },
  'restore result': { key: () => names.restoreResult(session.sessionId), read: () => scope.restores.readResult(session.sessionId) },
  'repository file': { key: () => 'repository.json', read: async () => (await openRepository({ storage })).id },
}

beforeAll(async () => {
  repository = await openRepository({ storage, create: true })
  scope = repository.scope()
  const stored = await scope.chunks.put(await ordersChunk(1, 9))
  ref = stored.ref
  manifest = ordersManifest(repository, [stored])
  await scope.writeManifest(manifest)
  const things = Array.from({ length: 12 }, (_, i): Thing => ({ id: i, owner: i % 3, note: `thing ${i}` }))
  const second = things.filter(({ id }) => id !== 4).toSpliced(3, 0, { id: 50, owner: 1, note: 'new' })
  const third = second.map((thing) => (thing.id === 2 ? { ...thing, note: 'changed' } : thing)).filter(({ id }) => id !== 7)
  layered = await storeBase(scope.chunks, things)
  layered = await layer(scope.chunks, layered, (await deltaBetween(things, second))!)
  layered = await layer(scope.chunks, layered, (await deltaBetween(second, third))!)
  session = {
    sessionId: uuidv7(),
    planId: 'shop',
    planDigest: 'cd'.repeat(32),
    scope: null,
    series: 'shop',
    kind: 'full',
    parent: null,
    startedAt: at,
    trigger: 'automatic',
    metadata: { ticket: 'T-1' },
  }
  await scope.sessions.create(session)
  await scope.sessions.claimAttempt(session.sessionId, { host: 'here', pid: 1, startedAt: at })
  const range = { ...manifest.entities[0]!.ranges[0]!, evidence: undefined }
  const owner = { store: 'default', entity: 'Order' }
  await scope.sessions.appendJournal(session.sessionId, {
    n: 1,
    attempt: 1,
    type: 'chunks',
    cuts: [{ ...owner, range: { from: null, to: null }, schema: 'ef'.repeat(32) }],
    ranges: [{ ...owner, bucket: 'main', range, evidence: { method: 'xmin', values: {} }, schema: 'ef'.repeat(32) }],
    at,
  })
  await scope.restores.writeResult(session.sessionId, { restored: 9 })
})

/** Puts the damaged object in place, reads it, and puts the sound one back. */
async function readDamaged(name: string, damaged: Uint8Array, sound: Uint8Array): Promise<unknown> {
  const { key, read } = readers[name]!
  await storage.put(key(), damaged, { ifAbsent: false })
  try {
    return await read().catch((error: unknown) => error)
  } finally {
    await storage.put(key(), sound, { ifAbsent: false })
  }
}

describe.each(Object.keys(readers))('%s', (name) => {
  let sound: Uint8Array
  beforeAll(async () => {
    sound = await storage.get(readers[name]!.key())
  })

  const expectTyped = (outcome: unknown, what: string) => {
    const typed = isHoldfastError(outcome, 'E_ARCHIVE_CORRUPT') || isHoldfastError(outcome, 'E_ARCHIVE_FORMAT')
    if (!typed) expect.fail(`${what}: ${outcome instanceof Error ? outcome.stack : `gave ${JSON.stringify(outcome).slice(0, 200)}`}`)
    expect(outcome.message, what).toContain(readers[name]!.key())
  }

  test('is read when it is sound', async () => {
    expect(await readDamaged(name, sound, sound)).not.toBeInstanceOf(Error)
  })

  test('case 08: with any byte changed is refused', async () => {
    for (let at = 0; at < sound.byteLength; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(sound)
        damaged[at]! ^= mask
        // The file that people read may be laid out otherwise: white space for white space means the same.
        if (name === 'repository file' && JSON.stringify(tryJson(damaged)) === JSON.stringify(tryJson(Buffer.from(sound)))) continue
        expectTyped(await readDamaged(name, damaged, sound), `byte ${at} ^ ${mask}`)
      }
    }
  })

  test('case 09: cut off anywhere is refused', async () => {
    for (let length = 0; length < sound.byteLength; length++) {
      if (name === 'repository file' && length === sound.byteLength - 1) continue // only the final newline is gone
      expectTyped(await readDamaged(name, sound.subarray(0, length), sound), `${length} bytes`)
    }
  })

  test('case 10: with anything appended is refused', async () => {
    for (const more of [[0], [0x0a, 0x0a], [...sound], [0x28, 0xb5, 0x2f, 0xfd, 0x24, 0, 1, 0, 0]]) {
      if (name === 'repository file' && more[0] === 0x0a) continue
      expectTyped(await readDamaged(name, Buffer.concat([sound, Buffer.from(more)]), sound), `${more.length} bytes more`)
    }
  })

  test('case 11: swapped for another object is refused', async () => {
    for (const other of Object.keys(readers).filter((one) => one !== name)) {
      expectTyped(await readDamaged(name, await storage.get(readers[other]!.key()), sound), other)
    }
  })

  test('that is gone is reported as missing', async () => {
    const { key, read } = readers[name]!
    await storage.delete([key()])
    const outcome = await read().catch((error: unknown) => error)
    await storage.put(key(), sound, { ifAbsent: true })
    // Without entries an attempt is no sign of life, and an empty journal is a journal: absence is what those two look like.
    if (name === 'journal') return expect(outcome).toEqual({ entries: [], next: 1 })
    const code = name === 'manifest' ? 'E_SNAPSHOT_UNKNOWN' : 'E_ARCHIVE_MISSING'
    expect(outcome).toMatchObject({ code })
  })
})

function tryJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

describe('sound objects in the wrong place', () => {
  test('a manifest of another snapshot', async () => {
    const other = ordersManifest(repository, [{ ref, firstKey: '[1]', lastKey: '[9]', written: true }])
    await scope.writeManifest(other)
    const bytes = await storage.get(names.manifest(other.snapshotId))
    expect(await readDamaged('manifest', bytes, await storage.get(names.manifest(manifest.snapshotId)))).toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
  })

  test('a chunk of other rows, and its index', async () => {
    const other = await scope.chunks.put(await ordersChunk(100, 9))
    for (const [name, of] of [
      ['chunk', names.chunk],
      ['index', names.chunkIndex],
    ] as const) {
      expect(await readDamaged(name, await storage.get(of(other.ref.name)), await storage.get(of(ref.name)))).toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    }
    await expect(joined(scope.chunks.read({ ...other.ref, name: ref.name }))).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
  })

  test('case 11: the same names in another repository', async () => {
    const elsewhere = memoryStorage()
    const second = (await openRepository({ storage: elsewhere, create: true })).scope()
    for (const name of ['manifest', 'session', 'journal', 'restore result'])
      await elsewhere.put(readers[name]!.key(), await storage.get(readers[name]!.key()), { ifAbsent: true })
    await expect(second.readManifest(manifest.snapshotId)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    await expect(second.sessions.read(session.sessionId)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    await expect(second.sessions.readJournal(session.sessionId)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    await expect(second.restores.readResult(session.sessionId)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
  })

  test('case 11: the same names in another scope', async () => {
    const tenant = repository.scope('tenant-7')
    const tenantNames = scopeNames('tenant-7')
    await storage.put(tenantNames.session(session.sessionId), await storage.get(names.session(session.sessionId)), { ifAbsent: true })
    await expect(tenant.sessions.read(session.sessionId)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
  })

  test('the result of another restore', async () => {
    const other = uuidv7()
    await scope.restores.writeResult(other, { restored: 0 })
    const bytes = await storage.get(names.restoreResult(other))
    expect(await readDamaged('restore result', bytes, await storage.get(names.restoreResult(session.sessionId)))).toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
  })

  test('case 17: a journal entry under another number', async () => {
    const second = names.journalEntry(session.sessionId, 2)
    await storage.put(second, await storage.get(names.journalEntry(session.sessionId, 1)), { ifAbsent: true })
    await expect(scope.sessions.readJournal(session.sessionId)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    await storage.delete([second])
  })

  test('case 17: a journal with a hole', async () => {
    const third = names.journalEntry(session.sessionId, 3)
    await storage.put(third, await storage.get(names.journalEntry(session.sessionId, 1)), { ifAbsent: true })
    await expect(scope.sessions.readJournal(session.sessionId)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    await storage.delete([third])
  })
})
