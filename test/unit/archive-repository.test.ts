import { describe, expect, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { type ChunkRef, commitSnapshot, type Manifest, openRepository, type SessionRecord, schemaFingerprint } from '../../src/archive/index.ts'
import { putJsonObject } from '../../src/archive/json-object.ts'
import { encodePrefix, type ObjectHeader } from '../../src/archive/object-container.ts'
import { scopeNames } from '../../src/archive/object-names.ts'
import { createObjectSpace } from '../../src/archive/object-space.ts'
import { sha256 } from '../../src/archive/sha256.ts'
import { canonicalJson } from '../../src/kernel/canonical-json.ts'
import { successorOf, uuidv7 } from '../../src/kernel/ids.ts'
import { memoryRepository, ordersChunk, ordersDescriptor, ordersManifest } from '../support/archive-rig.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'

const names = scopeNames(null)
const at = '2026-11-21T10:00:00.000Z'
const who = { host: 'here', pid: 1, startedAt: at }

function sessionRecord(sessionId: string = uuidv7()): SessionRecord {
  return {
    sessionId,
    planId: 'shop',
    planDigest: 'cd'.repeat(32),
    scope: null,
    series: 'shop',
    kind: 'full',
    parent: null,
    startedAt: at,
    trigger: 'manual',
    metadata: {},
  }
}

describe('a repository', () => {
  test('is made once, whoever comes first', async () => {
    const storage = memoryStorage()
    const opened = await Promise.all(Array.from({ length: 8 }, () => openRepository({ storage, create: true })))
    expect(new Set(opened.map(({ id }) => id)).size).toBe(1)
    const again = await openRepository({ storage })
    expect(again.id).toBe(opened[0]!.id)
    expect(JSON.parse(Buffer.from(await storage.get('repository.json')).toString())).toMatchObject({
      magic: 'holdfast',
      format: 1,
      minReader: 1,
      requiredFeatures: [],
      keys: [],
    })
  })

  test('is not made unasked', async () => {
    const storage = memoryStorage()
    await expect(openRepository({ storage })).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
    expect(await storage.stat('repository.json')).toBeNull()
  })

  test('stands beside others under prefixes', async () => {
    const storage = memoryStorage()
    const [one, two] = [await openRepository({ storage, prefix: 'one/', create: true }), await openRepository({ storage, prefix: 'two/', create: true })]
    expect(one.id).not.toBe(two.id)
    const stored = await one.scope().chunks.put(await ordersChunk(1, 5))
    await one.scope().writeManifest(ordersManifest(one, [stored]))
    expect(await ids(one.scope().listSnapshots())).toHaveLength(1)
    expect(await ids(two.scope().listSnapshots())).toHaveLength(0)
    await expect(openRepository({ storage, prefix: 'three', create: true })).rejects.toMatchObject({ code: 'E_CONFIG' })
    await expect(openRepository({ storage, prefix: '../', create: true })).rejects.toMatchObject({ code: 'E_STORAGE_KEY' })
  })

  test.each([
    ['a later format', { format: 2 }],
    ['a later reader', { minReader: 2 }],
    ['a feature', { requiredFeatures: ['time-travel'] }],
    ['keys', { keys: [{}] }],
  ])('that needs %s is refused and not written to', async (_, change) => {
    const storage = memoryStorage()
    await openRepository({ storage, create: true })
    const { sha256: __, ...facts } = { ...JSON.parse(Buffer.from(await storage.get('repository.json')).toString()), ...change }
    await storage.put('repository.json', Buffer.from(JSON.stringify({ ...facts, sha256: sha256(canonicalJson(facts)) })), { ifAbsent: false })
    await expect(openRepository({ storage, create: true })).rejects.toMatchObject({ code: 'E_ARCHIVE_FORMAT' })
  })

  test.each(['conditionalPut', 'strongList'] as const)('needs %s', async (missing) => {
    const base = memoryStorage()
    const storage = { ...base, capabilities: { ...base.capabilities, [missing]: false } }
    const error = await openRepository({ storage, create: true }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'E_CAPABILITY', details: { storage: 'memory', missing: [missing] } })
    expect(await base.stat('repository.json')).toBeNull()
  })

  test('refuses scopes that are no names', async () => {
    const repository = await memoryRepository()
    for (const scope of ['', '-', '-a', '../x', 'a/b', 'x'.repeat(129)]) expect(() => repository.scope(scope), scope).toThrow('E_CONFIG')
    expect(repository.scope('tenant_7').id).toBe('tenant_7')
    expect(repository.scope().id).toBeNull()
  })
})

describe('objects of a later version', () => {
  const header: ObjectHeader = {
    format: 1,
    magic: 'holdfast',
    kind: 'session',
    compression: 'none',
    encryption: null,
    features: [],
    plainBytes: 2,
    plainSha256: sha256('{}'),
  }
  test.each([
    ['format', { format: 2, whatever: true }],
    ['feature', { features: ['time-travel'] }],
    ['encryption', { encryption: { suite: 'aes-256-gcm' } }],
    ['compression', { compression: 'brotli' }],
  ])('by %s are refused as such, not as damaged', async (_, change) => {
    const storage = memoryStorage()
    const { sessions } = (await memoryRepository(storage)).scope()
    const id = uuidv7()
    await storage.put(names.session(id), [encodePrefix({ ...header, ...change } as unknown as ObjectHeader), Buffer.from('{}')], { ifAbsent: true })
    await expect(sessions.read(id)).rejects.toMatchObject({ code: 'E_ARCHIVE_FORMAT' })
  })
})

describe('a snapshot', () => {
  test('is what was written, and visible from then on', async () => {
    const repository = await memoryRepository()
    const scope = repository.scope()
    const manifest = ordersManifest(repository, [await scope.chunks.put(await ordersChunk(1, 5)), await scope.chunks.put(await ordersChunk(6, 5))])
    await scope.writeManifest(manifest)
    await scope.writeManifest(manifest)
    expect(await scope.readManifest(manifest.snapshotId)).toEqual(manifest)
    expect(await ids(scope.listSnapshots())).toEqual([manifest.snapshotId])
    expect(await ids(repository.scope('other').listSnapshots())).toEqual([])
  })

  test('is never overwritten', async () => {
    const repository = await memoryRepository()
    const scope = repository.scope()
    const manifest = ordersManifest(repository, [await scope.chunks.put(await ordersChunk(1, 5))])
    await scope.writeManifest(manifest)
    await expect(scope.writeManifest({ ...manifest, metadata: { other: 'yes' } })).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    expect(await scope.readManifest(manifest.snapshotId)).toEqual(manifest)
  })

  test('can be hidden, once or twice', async () => {
    const repository = await memoryRepository()
    const scope = repository.scope()
    const manifests = [1, 2, 3].map(() => ordersManifest(repository, []))
    const empty = (manifest: Manifest): Manifest => ({
      ...manifest,
      entities: manifest.entities.map((entity) => ({
        ...entity,
        ranges: [{ from: null, to: null, rows: 0, sha256: sha256(''), firstKey: null, lastKey: null, layers: [], evidence: 0 }],
      })),
    })
    for (const manifest of manifests) await scope.writeManifest(empty(manifest))
    const [first, second, third] = manifests.map(({ snapshotId }) => snapshotId)
    await scope.hide(second!, 'no longer needed')
    await scope.hide(second!, 'for another reason')
    expect(await ids(scope.listSnapshots())).toEqual([first, third])
    for (const id of [second!, uuidv7(), 'nonsense', '../../x']) await expect(scope.readManifest(id), id).rejects.toMatchObject({ code: 'E_SNAPSHOT_UNKNOWN' })
    await expect(scope.hide(uuidv7(), 'x')).rejects.toMatchObject({ code: 'E_SNAPSHOT_UNKNOWN' })
  })

  test.each<[string, (manifest: Manifest) => unknown]>([
    ['ranges that leave a gap', (m) => editRanges(m, (ranges) => [ranges[0], { ...ranges[1]!, from: '[999]' }])],
    ['ranges that end too early', (m) => editRanges(m, (ranges) => [ranges[0]])],
    [
      'ranges that begin twice',
      (m) =>
        editRanges(m, (ranges) => [
          { ...ranges[0]!, to: null },
          { ...ranges[1]!, from: null },
        ]),
    ],
    ['no ranges', (m) => editRanges(m, () => [])],
    ['counts that differ', (m) => ({ ...m, totals: { ...m.totals, rows: 11 } })],
    ['an entity count that differs', (m) => ({ ...m, totals: { ...m.totals, entities: 2 } })],
    [
      'a range that differs from its chunk',
      (m) =>
        editRanges(m, (ranges) => [
          { ...ranges[0]!, rows: 4 },
          { ...ranges[1]!, rows: 6 },
        ]),
    ],
    ['evidence that is not there', (m) => editRanges(m, (ranges) => [ranges[0], { ...ranges[1]!, evidence: 1 }])],
    ['an entity of a store that it does not list', (m) => ({ ...m, stores: [] })],
    ['a store twice', (m) => ({ ...m, stores: [...m.stores, ...m.stores] })],
    ['an entity twice', (m) => ({ ...m, entities: [...m.entities, ...m.entities], totals: { ...m.totals, entities: 2, rows: m.totals.rows * 2 } })],
    ['another repository', (m) => ({ ...m, repositoryId: uuidv7() })],
    ['another scope', (m) => ({ ...m, scope: 'tenant' })],
    ['a member of the wrong type', (m) => ({ ...m, series: 7 })],
    ['a path for a name', (m) => editRanges(m, (ranges) => ranges.map((range) => ({ ...range, layers: [{ ...range.layers[0]!, name: '../x' }] })))],
    ['no hash, but one chunk only', (m) => editRanges(m, (ranges) => [ranges[0], { ...ranges[1]!, sha256: null }])],
    ['a base chunk over a base chunk', (m) => editRanges(m, (ranges) => [ranges[0], { ...ranges[1]!, layers: [...ranges[1]!.layers, ...ranges[1]!.layers] }])],
    ['delta chunks that it does not announce', (m) => ({ ...layered(m, {}), requiredFeatures: [] })],
    ['a delta chunk for a base', (m) => layered(m, {}, ([base, delta]) => [delta!, base!])],
    ['a delta chunk that counts no deletes', (m) => layered(m, { deletes: undefined })],
    ['a delta chunk without changes', (m) => layered(m, { rows: 2, deletes: 0, anchors: 2 })],
    ['a delta chunk of more anchors than lines', (m) => layered(m, { anchors: 3 })],
    ['more rows than its layers can have', (m) => layered(m, { rows: 1, deletes: 1, anchors: 0 }, undefined, 6)],
    ['fewer rows than its layers can have', (m) => layered(m, { rows: 1, deletes: 1, anchors: 0 }, undefined, 3)],
    ['too many layers', (m) => layered(m, {}, ([base, delta]) => [base!, ...Array.from({ length: 64 }, () => delta!)])],
    ['itself to stand in the place of', (m) => ({ ...m, replaces: { snapshotId: m.snapshotId, at } })],
    ['a later one to stand in the place of', (m) => ({ ...m, replaces: { snapshotId: successorOf(m.snapshotId), at } })],
    ["another chunk's name", (m) => editRanges(m, (ranges) => ranges.map((range) => ({ ...range, layers: [{ ...range.layers[0]!, name: 'f'.repeat(64) }] })))],
  ])('with %s is refused when written and when read', async (_, edit) => {
    const storage = memoryStorage()
    const repository = await memoryRepository(storage)
    const scope = repository.scope()
    const sound = ordersManifest(repository, [await scope.chunks.put(await ordersChunk(1, 5)), await scope.chunks.put(await ordersChunk(6, 5))])
    const manifest = edit(sound) as Manifest
    await expect(scope.writeManifest(manifest)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    expect(await ids(scope.listSnapshots())).toEqual([])
    await putJsonObject(createObjectSpace(storage, '', repository.id), names.manifest(sound.snapshotId), 'manifest', manifest)
    await expect(scope.readManifest(sound.snapshotId)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
  })

  test('stays hidden by a tombstone that cannot be read', async () => {
    const storage = memoryStorage()
    const repository = await memoryRepository(storage)
    const scope = repository.scope()
    const manifest = ordersManifest(repository, [await scope.chunks.put(await ordersChunk(1, 5))])
    const { snapshotId } = manifest
    await scope.writeManifest(manifest)
    await scope.hide(snapshotId, 'a test')
    await storage.put(names.tombstone(snapshotId), Buffer.from('rubbish'), { ifAbsent: false })
    await expect(scope.readManifest(snapshotId)).rejects.toMatchObject({ code: 'E_SNAPSHOT_UNKNOWN' })
    expect(await scope.tombstone(snapshotId)).toMatchObject({ snapshotId, reason: '' })
    expect(await ids(scope.listSnapshots())).toEqual([])
  })

  test('case 40: with a feature that is not known needs a later version, whatever else is in it', async () => {
    const storage = memoryStorage()
    const repository = await memoryRepository(storage)
    const scope = repository.scope()
    const manifest = { ...ordersManifest(repository, [await scope.chunks.put(await ordersChunk(1, 5))]), requiredFeatures: ['time-travel'], series: 7 }
    await putJsonObject(createObjectSpace(storage, '', repository.id), names.manifest(manifest.snapshotId), 'manifest', manifest)
    await expect(scope.readManifest(manifest.snapshotId)).rejects.toMatchObject({ code: 'E_ARCHIVE_FORMAT' })
  })

  test('of very many ranges is kept in pages, each vouched for by the root', async () => {
    const storage = memoryStorage()
    const repository = await memoryRepository(storage)
    const scope = repository.scope()
    const manifest = manyRanges(ordersManifest(repository, [await scope.chunks.put(await ordersChunk(1, 5))]), 9000)
    // A killed attempt left a page of its own; its number is passed over.
    await putJsonObject(createObjectSpace(storage, '', repository.id), names.entityPage(manifest.snapshotId, 1), 'entity-page', {
      snapshotId: manifest.snapshotId,
      page: 1,
      ranges: [],
    })
    await scope.writeManifest(manifest)
    expect(await scope.readManifest(manifest.snapshotId)).toEqual(manifest)
    const pages = await keys(storage.list(`${names.snapshots()}${manifest.snapshotId}/entities/`))
    expect(pages.length).toBeGreaterThan(2)
    expect((await storage.stat(names.manifest(manifest.snapshotId)))!.bytes).toBeLessThan(10_000)

    const [, second, third] = pages
    await storage.put(second!, await storage.get(third!), { ifAbsent: false })
    await expect(scope.readManifest(manifest.snapshotId)).rejects.toMatchObject({ code: 'E_ARCHIVE_CORRUPT' })
    // A page that is sound and bears the right name, but holds other ranges than the root vouches for.
    const [entity] = manyRanges(manifest, 9000).entities
    const ranges = entity!.ranges.slice(0, 10)
    await storage.delete([second!])
    await putJsonObject(createObjectSpace(storage, '', repository.id), second!, 'entity-page', { snapshotId: manifest.snapshotId, page: 2, ranges })
    await expect(scope.readManifest(manifest.snapshotId)).rejects.toThrow('is not the object that was stored')
    await storage.delete([second!])
    await expect(scope.readManifest(manifest.snapshotId)).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
  })
})

describe('a session', () => {
  test('keeps what it was started with, its attempts and its journal', async () => {
    const { sessions } = (await memoryRepository()).scope()
    const record = sessionRecord()
    await sessions.create(record)
    await sessions.create(record)
    await expect(sessions.create({ ...record, metadata: { other: 'yes' } })).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    expect(await sessions.read(record.sessionId)).toEqual(record)
    expect(await Promise.all((await list(sessions.list())).map(({ sessionId }) => sessions.read(sessionId)))).toEqual([record])
    await expect(sessions.read(uuidv7())).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
    await expect(sessions.read('../x')).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })

    expect(await sessions.liveness(record.sessionId)).toMatchObject({ attempt: null, attempts: 0, next: 1 })
    const first = await sessions.claimAttempt(record.sessionId, who)
    expect(Math.abs(first.storedAt - Date.now())).toBeLessThan(60_000)
    await sessions.appendJournal(record.sessionId, { n: 1, attempt: 1, type: 'heartbeat', at })
    const second = await sessions.claimAttempt(record.sessionId, { ...who, pid: 2 })
    expect([first.n, second.n]).toEqual([1, 2])
    // A claim alone is no sign of life: the newest entry is still the first attempt's.
    expect(await sessions.liveness(record.sessionId)).toMatchObject({ attempt: { n: 1, pid: 1 }, attempts: 2, next: 2 })
    await sessions.appendJournal(record.sessionId, { n: 2, attempt: 2, type: 'paused', note: 'lunch', at })
    expect(await sessions.liveness(record.sessionId)).toMatchObject({ attempt: { n: 2, pid: 2 }, next: 3 })
    expect(await sessions.readJournal(record.sessionId)).toMatchObject({
      next: 3,
      entries: [
        { n: 1, type: 'heartbeat' },
        { n: 2, type: 'paused', note: 'lunch' },
      ],
    })
  })

  test('lets one of two attempts have a journal number, and its own retry', async () => {
    const { sessions } = (await memoryRepository()).scope()
    const record = sessionRecord()
    await sessions.create(record)
    const entry = { n: 1, attempt: 1, type: 'heartbeat', at } as const
    await sessions.appendJournal(record.sessionId, entry)
    await sessions.appendJournal(record.sessionId, entry)
    await expect(sessions.appendJournal(record.sessionId, { ...entry, attempt: 2 })).rejects.toMatchObject({ code: 'E_SESSION_FENCED' })
  })

  test('lets one of many claim an attempt', async () => {
    const { sessions } = (await memoryRepository()).scope()
    const record = sessionRecord()
    await sessions.create(record)
    const claims = await Promise.allSettled(Array.from({ length: 16 }, () => sessions.claimAttempt(record.sessionId, who)))
    expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const claim of claims) if (claim.status === 'rejected') expect(claim.reason).toMatchObject({ code: 'E_SESSION_FENCED' })
  })

  test('takes an append that failed after its effect for done', async () => {
    const storage = new FaultyStorage(memoryStorage(), ({ method, key }) =>
      method === 'put' && key.includes('/journal/') ? { kind: 'error', when: 'after' } : undefined,
    )
    const { sessions } = (await memoryRepository(storage)).scope()
    const record = sessionRecord()
    await sessions.create(record)
    await sessions.appendJournal(record.sessionId, { n: 1, attempt: 1, type: 'final', at })
    expect(storage.fired).toBe(1)
    expect((await sessions.readJournal(record.sessionId)).next).toBe(2)
  })
})

describe('committing', () => {
  async function ready(storage = memoryStorage()) {
    const repository = await memoryRepository(storage)
    const scope = repository.scope()
    const stored = await scope.chunks.put(await ordersChunk(1, 5))
    const manifest = ordersManifest(repository, [stored])
    await scope.sessions.create(sessionRecord(manifest.snapshotId))
    const buckets: string[] = []
    const commit = (change: object = {}) =>
      commitSnapshot({ scope, chunks: (bucket) => (buckets.push(bucket), scope.chunks), manifest, attempt: 1, next: async () => 1, ...change })
    return { storage, scope, manifest, ref: stored.ref, buckets, commit }
  }

  test('claims the journal, then publishes', async () => {
    const { scope, manifest, buckets, commit } = await ready()
    const next = async () => {
      expect(buckets).toEqual(['main'])
      return 1
    }
    await commit({ next })
    expect(await scope.readManifest(manifest.snapshotId)).toEqual(manifest)
    expect((await scope.sessions.readJournal(manifest.snapshotId)).entries).toMatchObject([{ n: 1, type: 'final', attempt: 1 }])
  })

  test.each(['chunk', 'chunkIndex'] as const)('publishes nothing when a %s is gone', async (what) => {
    const { storage, scope, ref, manifest, commit } = await ready()
    await storage.delete([names[what](ref.name)])
    await expect(commit()).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
    expect(await ids(scope.listSnapshots())).toEqual([])
    expect((await scope.sessions.readJournal(manifest.snapshotId)).next).toBe(1)
  })

  test('publishes nothing when another process went on', async () => {
    const { scope, manifest, commit } = await ready()
    await scope.sessions.appendJournal(manifest.snapshotId, { n: 1, attempt: 2, type: 'heartbeat', at })
    await expect(commit()).rejects.toMatchObject({ code: 'E_SESSION_FENCED' })
    expect(await ids(scope.listSnapshots())).toEqual([])
  })

  test('is fenced when another process committed', async () => {
    const { scope, manifest, commit } = await ready()
    await scope.writeManifest({ ...manifest, metadata: { by: 'the other' } })
    await expect(commit()).rejects.toMatchObject({ code: 'E_SESSION_FENCED' })
    expect((await scope.readManifest(manifest.snapshotId)).metadata).toEqual({ by: 'the other' })
  })

  test('publishes nothing when aborted', async () => {
    const { scope, commit } = await ready()
    const controller = new AbortController()
    await expect(commit({ signal: controller.signal, next: async () => (controller.abort(), 1) })).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(await ids(scope.listSnapshots())).toEqual([])
  })

  test('leaves, wherever it is killed, no snapshot or the whole one', async () => {
    const undisturbed = new FaultyStorage(memoryStorage())
    const { commit: commitOnce } = await ready(undisturbed)
    const before = undisturbed.operations.length
    await commitOnce()
    const steps = undisturbed.operations.length - before
    expect(steps).toBeGreaterThan(3)
    for (let step = 1; step <= steps; step++) {
      for (const when of ['before', 'after'] as const) {
        const base = memoryStorage()
        const storage = new FaultyStorage(base)
        const { manifest, commit } = await ready(storage)
        const start = storage.operations.length
        storage.script = ({ n }) => (n === start + step ? { kind: 'crash', when } : undefined)
        await expect(commit(), `${step} ${when}`).rejects.toMatchObject({ code: 'E_STORAGE' })
        expect(storage.fired).toBe(1)
        const scope = (await openRepository({ storage: base })).scope()
        for (const id of await ids(scope.listSnapshots())) {
          expect(await scope.readManifest(id)).toEqual(manifest)
          for (const { layers } of manifest.entities[0]!.ranges) for (const ref of layers) await scope.chunks.verify(ref, { level: 'plain' })
        }
      }
    }
  })
})

describe('restores', () => {
  test('leave a result and diagnostics', async () => {
    const { restores } = (await memoryRepository()).scope()
    const id = uuidv7()
    await restores.writeResult(id, { created: 3 })
    await restores.writeDiagnostics(id, [{ entity: 'Order', cause: 'missing-parent' }])
    expect(await restores.readResult(id)).toEqual({ created: 3 })
    expect(await restores.readDiagnostics(id)).toEqual([{ entity: 'Order', cause: 'missing-parent' }])
    expect(await list(restores.list())).toEqual([{ restoreId: id }])
    await expect(restores.writeResult(id, { created: 4 })).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    await expect(restores.readResult(uuidv7())).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
    await expect(restores.readResult('../x')).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
  })
})

describe('a schema fingerprint', () => {
  const customers = { ...ordersDescriptor, name: 'Customer', table: 'customers' }
  test('does not depend on the order of entities, nor on what is sensitive', () => {
    expect(schemaFingerprint([ordersDescriptor, customers])).toBe(schemaFingerprint([customers, ordersDescriptor]))
    const secret = { ...ordersDescriptor, fields: ordersDescriptor.fields.map((field) => ({ ...field, sensitive: true })) }
    expect(schemaFingerprint([secret])).toBe(schemaFingerprint([ordersDescriptor]))
  })

  test('depends on types and on the order of fields', () => {
    const wider = { ...ordersDescriptor, fields: ordersDescriptor.fields.map((field) => ({ ...field, dbType: 'bigint' })) }
    const turned = { ...ordersDescriptor, fields: ordersDescriptor.fields.toReversed() }
    expect(new Set([ordersDescriptor, wider, turned].map((descriptor) => schemaFingerprint([descriptor]))).size).toBe(3)
  })
})

/** With a delta of one delete, one anchor and one upsert over the second range, unless said otherwise. */
function layered(
  manifest: Manifest,
  delta: Partial<Record<keyof ChunkRef, unknown>>,
  arrange = (layers: readonly ChunkRef[]): readonly ChunkRef[] => layers,
  rows = 5,
): Manifest {
  const edited = editRanges(manifest, ([first, second]) => {
    const [base] = second!.layers
    const over = { ...base!, kind: 'delta', rows: 3, deletes: 1, anchors: 1, ...delta } as ChunkRef
    return [first, { ...second!, rows, sha256: null, layers: arrange([base!, over]) }]
  })
  return { ...edited, requiredFeatures: ['delta'], totals: { ...edited.totals, rows: 5 + rows }, entities: [{ ...edited.entities[0]!, rows: 5 + rows }] }
}

function editRanges(manifest: Manifest, edit: (ranges: readonly Manifest['entities'][number]['ranges'][number][]) => readonly unknown[]): Manifest {
  return { ...manifest, entities: manifest.entities.map((entity) => ({ ...entity, ranges: edit(entity.ranges) as typeof entity.ranges })) }
}

function manyRanges(manifest: Manifest, count: number): Manifest {
  const [entity] = manifest.entities
  const [range] = entity!.ranges
  const ranges = Array.from({ length: count }, (_, i) => {
    const hash = sha256(String(i))
    const ref = { ...range!.layers[0]!, name: hash, sha256: hash }
    return { ...range!, from: i === 0 ? null : `[${i * 10}]`, to: i === count - 1 ? null : `[${i * 10 + 10}]`, sha256: hash, layers: [ref] }
  })
  const rows = count * range!.rows
  return { ...manifest, entities: [{ ...entity!, rows, ranges }], totals: { ...manifest.totals, rows, chunks: count } }
}

async function list<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

async function ids(snapshots: AsyncIterable<{ readonly id: string }>): Promise<string[]> {
  return (await list(snapshots)).map(({ id }) => id)
}

async function keys(stats: AsyncIterable<{ readonly key: string }>): Promise<string[]> {
  return (await list(stats)).map(({ key }) => key)
}
