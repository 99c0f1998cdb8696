import { hash } from 'node:crypto'
import { memoryStorage } from '../../../adapters/memory/index.ts'
import { openChunk, readOpenedChunk } from '../../../src/archive/chunk-reader.ts'
import { decodeFrameTable } from '../../../src/archive/frame-table.ts'
import { openRepository, type Repository } from '../../../src/archive/index.ts'
import { putJsonObject } from '../../../src/archive/json-object.ts'
import { decodeKeyIndex } from '../../../src/archive/key-index.ts'
import { decodePrefix, encodePrefix, type ObjectHeader, type ObjectKind } from '../../../src/archive/object-container.ts'
import { scopeNames } from '../../../src/archive/object-names.ts'
import { createObjectSpace } from '../../../src/archive/object-space.ts'
import { parseRepositoryFile } from '../../../src/archive/repository-file.ts'
import { sha256 } from '../../../src/archive/sha256.ts'
import type { StorageAdapter } from '../../../src/contracts/index.ts'
import { secretKey } from '../../../src/crypto/encryption.ts'
import { canonicalJson } from '../../../src/kernel/canonical-json.ts'
import type { ErrorCode } from '../../../src/kernel/errors.ts'
import { uuidv7 } from '../../../src/kernel/ids.ts'
import type { Prng } from '../../model/prng.ts'
import { ordersChunk, ordersManifest } from '../../support/archive-rig.ts'
import { newDelta, upsert } from '../../support/layer-rig.ts'
import { joined } from '../../support/record-batches.ts'
import { bundleTargets } from './bundle-targets.ts'
import { mutateBytes, mutateText, valueMutator } from './mutate.ts'

export interface FuzzTarget {
  readonly name: string
  /** How often it is chosen, among the others. */
  readonly weight: number
  /** What it may throw. */
  readonly codes: readonly ErrorCode[]
  /** Makes one input and has it parsed. */
  run(prng: Prng): Promise<void>
}

const DAMAGE: readonly ErrorCode[] = ['E_ARCHIVE_CORRUPT', 'E_ARCHIVE_FORMAT', 'E_ARCHIVE_MISSING', 'E_SNAPSHOT_UNKNOWN']
const AT = '2026-11-21T10:00:00.000Z'

/** Everything that is read from a repository or handed in by a caller, each with its sound form to begin with. */
export async function fuzzTargets(): Promise<readonly FuzzTarget[]> {
  return [...(await containers()), ...(await records()), ...(await encrypted()), ...(await bundleTargets())]
}

/** Bytes: headers, frame tables, chunks, key indexes. Where a hash guards them, it is made to fit, so that what lies behind it is reached. */
async function containers(): Promise<FuzzTarget[]> {
  const base = await ordersChunk(1, 50)
  const [prefix, table, ...frames] = base.object
  const entries = table!.subarray(8, -32)
  const header = decodePrefix(prefix!, 'it', ['base']).header
  const headerOf = valueMutator(header)
  const delta = newDelta()
  for (let id = 1; id < 30; id++) await upsert(delta, { id, owner: id % 3, note: `note ${id}` })
  const sounds = [
    ['base', Buffer.concat(base.object)],
    ['delta', Buffer.concat((await delta.finish()).object)],
  ] as const
  const plainIndex = Buffer.concat((await ordersChunk(1, 40, { compression: 'none', level: 0 })).index.slice(1))

  function tableOf(changed: Buffer): Buffer {
    const fixed = Buffer.alloc(8)
    fixed.writeUInt32LE(0x184d2a5f, 0)
    fixed.writeUInt32LE(changed.byteLength + 32, 4)
    return Buffer.concat([fixed, changed, hash('sha256', changed, 'buffer')])
  }
  return [
    {
      name: 'header',
      weight: 20,
      codes: DAMAGE,
      run: async (prng) => void decodePrefix(encodePrefix(headerOf(prng) as ObjectHeader), 'it', ['base']),
    },
    {
      name: 'chunk of any bytes',
      weight: 8,
      codes: DAMAGE,
      async run(prng) {
        const [kind, sound] = prng.pick(sounds)
        await joined(readOpenedChunk(openChunk(mutateBytes(sound, prng), kind, 'it')))
      },
    },
    {
      name: 'chunk behind its hashes',
      weight: 8,
      codes: DAMAGE,
      async run(prng) {
        const changed = mutateBytes(entries, prng)
        const head = prng.chance(0.5) ? prefix! : encodePrefix(headerOf(prng) as ObjectHeader)
        await joined(readOpenedChunk(openChunk(Buffer.concat([head, tableOf(changed), ...frames]), 'base', 'it')))
      },
    },
    {
      name: 'frame table',
      weight: 10,
      codes: DAMAGE,
      async run(prng) {
        const changed = mutateBytes(entries, prng)
        decodeFrameTable(tableOf(changed), Math.floor(changed.byteLength / 12), 'it')
      },
    },
    {
      name: 'key index',
      weight: 20,
      codes: DAMAGE,
      async run(prng) {
        const index = decodeKeyIndex(mutateBytes(plainIndex, prng), 'none', 'it')
        for (const key of index.keys()) index.find(key)
        index.mayReference('customer.id', '3')
      },
    },
  ]
}

/** The JSON of a repository, through the calls that read it, and tokens. */
async function records(): Promise<FuzzTarget[]> {
  const storage = memoryStorage()
  const repository = await openRepository({ storage, create: true })
  const scope = repository.scope()
  const names = scopeNames(null)
  const space = createObjectSpace(storage, '', repository.id)
  const manifest = ordersManifest(repository, [await scope.chunks.put(await ordersChunk(1, 5)), await scope.chunks.put(await ordersChunk(6, 5))])
  const { evidence: _, ...range } = manifest.entities[0]!.ranges[0]!
  const sessionId = uuidv7()
  const listId = uuidv7()
  const owner = { store: 'default', entity: 'Order' }
  const digest = 'ab'.repeat(32)
  const session = {
    sessionId,
    planId: 'p',
    planDigest: digest,
    scope: null,
    series: 's',
    kind: 'full',
    parent: null,
    startedAt: AT,
    trigger: 'manual',
    metadata: {},
  }
  const entry = {
    n: 1,
    attempt: 1,
    type: 'chunks',
    cuts: [{ ...owner, range: { from: null, to: '[1]' }, schema: digest }],
    ranges: [{ ...owner, bucket: 'b', range, evidence: { method: 'xmin', values: { a: 'b' } }, schema: digest }],
    at: AT,
  }
  const attempt = { n: 1, host: 'h', pid: 1, startedAt: AT, nonce: uuidv7() }
  const condemned = { listId, snapshots: [uuidv7()], chunks: [digest, `${digest}.1`] }
  const kinds: readonly (readonly [string, number, string, ObjectKind, unknown, () => Promise<unknown>])[] = [
    ['manifest', 20, names.manifest(manifest.snapshotId), 'manifest', manifest, () => scope.readManifest(manifest.snapshotId)],
    ['session', 8, names.session(sessionId), 'session', session, () => scope.sessions.read(sessionId)],
    ['attempt', 6, names.attempt(sessionId, 1), 'attempt', attempt, () => scope.sessions.liveness(sessionId)],
    ['journal entry', 15, names.journalEntry(sessionId, 1), 'journal', entry, () => scope.sessions.readJournal(sessionId)],
    ['condemned list', 6, names.condemned(listId, 'list'), 'condemned', condemned, () => scope.condemned.read(listId)],
  ]
  for (const [, , object, kind, value] of kinds) await putJsonObject(space, object, kind, value)
  for (const [, , , , , read] of kinds) await read()
  const pointer = { planId: 'p', planDigest: digest, sessionId, scope: null }
  const { sha256: _sum, ...facts } = JSON.parse(Buffer.from(await storage.get('repository.json')).toString()) as Record<string, unknown>
  const factsOf = valueMutator(facts)
  const whole = Buffer.from(await storage.get('repository.json'))
  return [
    ...(await Promise.all(
      kinds.map(([name, weight, object, kind, value, read]) => recordTarget(storage, repository, { name, weight, object, kind, value, read })),
    )),
    ...tokenTargets(repository, pointer),
    {
      name: 'repository file',
      weight: 10,
      codes: DAMAGE,
      async run(prng) {
        const value = factsOf(prng)
        const bytes = prng.chance(0.3)
          ? mutateBytes(whole, prng)
          : Buffer.from(JSON.stringify({ ...(value as object), sha256: sha256(Buffer.from(canonicalJson(value))) }))
        parseRepositoryFile(bytes, 'it')
      },
    },
  ]
}

function tokenTargets(repository: Repository, pointer: Parameters<Repository['signToken']>[0]): FuzzTarget[] {
  const token = repository.signToken(pointer)
  const pointerOf = valueMutator(pointer)
  const codes = ['E_TOKEN_INVALID'] as const
  return [
    {
      name: 'token',
      weight: 20,
      codes,
      async run(prng) {
        const text = mutateText(token, prng)
        repository.verifyToken(text)
        if (text !== token) throw new Error('a token that was altered was accepted')
      },
    },
    {
      name: 'token that is signed',
      weight: 10,
      codes,
      run: async (prng) => void repository.verifyToken(repository.signToken(pointerOf(prng) as typeof pointer)),
    },
  ]
}

interface RecordTarget {
  readonly name: string
  readonly weight: number
  readonly object: string
  readonly kind: ObjectKind
  readonly value: unknown
  readonly read: () => Promise<unknown>
}

/** Three in four times another value behind right hashes, else any bytes. The sound object is put back. */
async function recordTarget(storage: StorageAdapter, { id }: Repository, { name, weight, object, kind, value, read }: RecordTarget): Promise<FuzzTarget> {
  const sound = await storage.get(object)
  const valueOf = valueMutator(value)
  const header = { format: 1, magic: 'holdfast', kind, compression: 'none', encryption: null, features: [], repositoryId: id, object } as const
  return {
    name,
    weight,
    codes: DAMAGE,
    async run(prng) {
      let bytes: Buffer
      if (prng.chance(0.25)) bytes = mutateBytes(sound, prng)
      else {
        const plain = Buffer.from(JSON.stringify(valueOf(prng)))
        const sum = sha256(plain)
        bytes = Buffer.concat([encodePrefix({ ...header, plainBytes: plain.byteLength, plainSha256: sum, bodySha256: sum }), plain])
      }
      await storage.put(object, bytes, { ifAbsent: false })
      try {
        await read()
      } finally {
        await storage.put(object, sound, { ifAbsent: false })
      }
    },
  }
}

/** Key rings and sealed objects. */
async function encrypted(): Promise<FuzzTarget[]> {
  const storage = memoryStorage()
  const encryption = { providers: [secretKey(Buffer.alloc(32, 7))] }
  const repository = await openRepository({ storage, create: true, encryption })
  const scope = repository.scope()
  const chunk = await scope.chunks.put(await ordersChunk(1, 50))
  const sound = ordersManifest(repository, [chunk])
  const manifest = { ...sound, requiredFeatures: ['encryption'] }
  await scope.writeManifest(manifest)
  const names = scopeNames(null)
  const chunkName = names.chunk(chunk.ref.name)
  const manifestName = names.manifest(manifest.snapshotId)
  const sealed = { chunk: await storage.get(chunkName), manifest: await storage.get(manifestName) }
  const ringName = 'keys/0001.0001'
  const ring = await storage.get(ringName)
  const record = (await repository.keys!.records())[0]!
  const keyCodes: readonly ErrorCode[] = [...DAMAGE, 'E_KEY_MISSING', 'E_KEY_WRONG']

  /** Every byte of these is authenticated. */
  async function within(object: string, bytes: Uint8Array, kept: Uint8Array, work: () => Promise<unknown>): Promise<void> {
    await storage.put(object, bytes, { ifAbsent: false })
    try {
      await work()
      if (Buffer.compare(bytes, kept) !== 0) throw new Error(`${object} was altered, and accepted`)
    } finally {
      await storage.put(object, kept, { ifAbsent: false })
    }
  }
  const keyTarget = await recordTarget(storage, repository, {
    name: 'key ring',
    weight: 10,
    object: ringName,
    kind: 'key',
    value: record,
    read: () => openRepository({ storage, encryption }),
  })
  await openRepository({ storage, encryption })
  return [
    { ...keyTarget, codes: keyCodes },
    {
      name: 'key ring of any bytes',
      weight: 4,
      codes: keyCodes,
      run: (prng) => within(ringName, mutateBytes(ring, prng), ring, () => openRepository({ storage, encryption })),
    },
    {
      name: 'sealed manifest',
      weight: 8,
      codes: keyCodes,
      run: (prng) => within(manifestName, mutateBytes(sealed.manifest, prng), sealed.manifest, () => scope.readManifest(manifest.snapshotId)),
    },
    {
      name: 'sealed chunk',
      weight: 8,
      codes: keyCodes,
      run: (prng) => within(chunkName, mutateBytes(sealed.chunk, prng), sealed.chunk, () => scope.chunks.verify(chunk.ref, { level: 'plain' })),
    },
  ]
}
