import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openRepository, type Repository } from '../../src/archive/index.ts'
import type { KeyProvider, StorageAdapter } from '../../src/contracts/index.ts'
import { generateRecipient, passphrase, recipient, secretKey } from '../../src/crypto/encryption.ts'
import { HoldfastError, isHoldfastError } from '../../src/kernel/errors.ts'
import { backupRig, codeOf, planOf } from '../support/backup-rig.ts'
import { failure } from '../support/failure.ts'
import { orderRow, SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'

const own = secretKey(Buffer.alloc(32, 1))
const other = secretKey(Buffer.alloc(32, 2))

function encryptedRig(orders: number, providers: readonly KeyProvider[] = [own], storage: StorageAdapter = memoryStorage()) {
  const store = shopStore(orders)
  const rig = backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes: 500, concurrency: 3 } }), storage, encryption: { providers } })
  const take = async (kind: 'full' | 'incremental' = 'full') => (await (await rig.start(storage, { kind })).result()).snapshotId
  return { store, rig, storage, take }
}

const openWith = (storage: StorageAdapter, ...providers: KeyProvider[]): Promise<Repository> =>
  openRepository({ storage, prefix: 'main/', ...(providers.length > 0 ? { encryption: { providers } } : {}) })

async function objectsOf(storage: StorageAdapter): Promise<Map<string, Buffer>> {
  const objects = new Map<string, Buffer>()
  for await (const { key } of storage.list('')) objects.set(key, Buffer.from(await storage.get(key)))
  return objects
}

async function replace(storage: StorageAdapter, key: string, body: Uint8Array): Promise<void> {
  await storage.delete([key])
  await storage.put(key, body, { ifAbsent: true })
}

async function expectTruth(made: ReturnType<typeof encryptedRig>, id: string, rig = made.rig): Promise<void> {
  const manifest = await rig.manifest(id)
  for (const entity of SHOP_ENTITIES) expect(await rig.lines(manifest, entity)).toBe(made.store.lines(entity))
}

describe('an encrypted repository', () => {
  it('gives back what was stored, after other backups and in another process', async () => {
    const made = encryptedRig(200)
    await made.take()
    made.store.put('Order', orderRow(7, 'changed'))
    const second = await made.take('incremental')
    const elsewhere = backupRig({
      stores: [made.store],
      plan: made.rig.plan,
      storage: made.storage,
      encryption: { providers: [secretKey(Buffer.alloc(32, 1))] },
    })
    await expectTruth(made, second, elsewhere)
    expect((await elsewhere.manifest(second)).requiredFeatures).toContain('encryption')
  })

  it('stores no name, key or value in clear, and names chunks after nothing that can be known', async () => {
    const made = encryptedRig(50)
    const manifest = await made.rig.manifest(await made.take())
    for (const [key, body] of await objectsOf(made.storage)) {
      if (key.endsWith('repository.json')) expect(body.toString()).not.toContain('tokenSecret')
      for (const word of ['Order', 'shop', 'order 7', 'in-memory']) expect(body.includes(word), `${word} in ${key}`).toBe(false)
      expect(key).not.toMatch(/Order|shop/)
    }
    for (const { ranges } of manifest.entities) for (const { layers } of ranges) for (const { name, sha256 } of layers) expect(name).not.toContain(sha256)
  })

  it('never seals two objects with one key, and finds equal lines again all the same', async () => {
    const made = encryptedRig(100)
    await made.take()
    const before = await objectsOf(made.storage)
    const salts = [...before]
      .filter(([key]) => key.includes('/s/') && !key.includes('/keys/'))
      .map(([, body]) => /"salt":"([^"]+)"/.exec(body.toString('latin1'))![1])
    expect(new Set(salts).size).toBe(salts.length)
    await made.take('full')
    const chunks = (objects: ReadonlyMap<string, Buffer>) => [...objects.keys()].filter((key) => key.includes('/chunks/'))
    expect(chunks(await objectsOf(made.storage))).toEqual(chunks(before))
  })

  it('pauses, and goes on by its token elsewhere', async () => {
    const made = encryptedRig(300)
    const session = await made.rig.start()
    await session.pause()
    await session.result().catch(() => {})
    const result = await (await made.rig.resume(session.token)).result()
    await expectTruth(made, result.snapshotId)
    const stranger = encryptedRig(1)
    await stranger.take()
    expect(await codeOf(stranger.rig.resume(session.token))).toBe('E_TOKEN_INVALID')
  })
})

describe('without the key', () => {
  it('case 13: nothing opens: which key is missing or wrong is said, and a service that is down is told from both', async () => {
    const made = encryptedRig(5, [own])
    await made.take()
    await failure(openWith(made.storage), 'E_KEY_MISSING')
    const missing = await failure(openWith(made.storage, other), 'E_KEY_MISSING')
    expect(missing.message).toContain(own.reference)
    await failure(openWith(made.storage, { ...other, reference: own.reference }), 'E_KEY_WRONG')
    const down: KeyProvider = {
      ...own,
      unwrap: async () => {
        throw new HoldfastError('E_KEY_UNAVAILABLE', 'the service does not answer')
      },
    }
    await failure(openWith(made.storage, down), 'E_KEY_UNAVAILABLE')
    // A provider that hands out some other 64 bytes is caught by the commitment.
    await failure(openWith(made.storage, { ...own, unwrap: async () => Buffer.alloc(64) }), 'E_KEY_WRONG')
  })

  it('a plain repository is not written to as if it were encrypted', async () => {
    const storage = memoryStorage()
    const store = shopStore(3)
    const plain = backupRig({ stores: [store], storage })
    await (await plain.start()).result()
    await failure(openWith(storage, own), 'E_CONFIG')
  })

  it.each([
    ['no provider', []],
    ['nine', Array.from({ length: 9 }, (_, n) => secretKey(Buffer.alloc(32, n)))],
    ['one twice', [own, own]],
    ['none that opens', [recipient({ publicKey: generateRecipient().publicKey })]],
    ['a promise of one', [Promise.resolve(own) as never]],
  ])('impossible providers are refused: %s', async (_what, providers) => {
    await failure(openRepository({ storage: memoryStorage(), create: true, encryption: { providers } }), 'E_CONFIG')
  })
})

describe('somebody who can write to the storage', () => {
  it('case 08: cannot alter, shorten, exchange or replace an object without its being noticed', async () => {
    const made = encryptedRig(40)
    const id = await made.take()
    const objects = await objectsOf(made.storage)
    const read = async () => {
      const repository = await openWith(made.storage, own)
      const manifest = await repository.scope().readManifest(id)
      for (const { ranges } of manifest.entities)
        for (const { layers } of ranges) for (const ref of layers) await repository.scope().chunks.verify(ref, { level: 'plain' })
    }
    await read()
    const needed = [...objects].filter(([key]) => /\/(chunks|snapshots|keys)\/|repository\.json/.test(key))
    for (const [key, body] of needed) {
      const flips = [0, 9, Math.floor(body.byteLength / 2), body.byteLength - 20, body.byteLength - 1].map((at) => {
        const flipped = Buffer.from(body)
        flipped[at]! ^= 1
        return flipped
      })
      const twin = needed.find(([name, bytes]) => name !== key && name.slice(-4) === key.slice(-4) && !bytes.equals(body))?.[1]
      // The line end behind the file of the repository is nobody's.
      const shorter = key.endsWith('.json') ? [] : [body.subarray(0, body.byteLength - 1)]
      for (const bad of [...flips, ...shorter, Buffer.concat([body, Buffer.of(0)]), ...(twin ? [twin] : [])]) {
        await replace(made.storage, key, bad)
        const error: unknown = await read().then(
          () => null,
          (thrown: unknown) => thrown,
        )
        expect(isHoldfastError(error) && /^E_(ARCHIVE|KEY)_/.test(error.code), `${key}: ${String(error)}`).toBe(true)
        await replace(made.storage, key, body)
      }
    }
    await read()
  }, 60_000)

  it('cannot put a plain object in place of an encrypted one', async () => {
    const [made, plain] = [encryptedRig(5), backupRig({ stores: [shopStore(5)] })]
    const id = await made.take()
    await (await plain.start()).result()
    const [manifest] = [...(await objectsOf(plain.storage))].filter(([key]) => key.endsWith('/manifest'))
    await replace(made.storage, `main/s/-/snapshots/${id}/manifest`, manifest![1])
    await failure((await openWith(made.storage, own)).scope().readManifest(id), 'E_ARCHIVE_CORRUPT')
  })

  it('cannot slip in a key of their own for what is written next', async () => {
    const pair = generateRecipient()
    const made = encryptedRig(5, [own, recipient({ publicKey: pair.publicKey })])
    await made.take()
    const theirs = encryptedRig(5, [recipient(pair)])
    await theirs.take()
    const slipped = (await objectsOf(theirs.storage)).get('main/s/-/keys/0001.0001')!
    await made.storage.put('main/s/-/keys/0002.0001', slipped, { ifAbsent: true })
    expect(await codeOf(made.take())).toBe('E_ARCHIVE_CORRUPT')
  })
})

describe('the keys of a repository', () => {
  it('are opened by any of several providers, each by itself', async () => {
    const pair = generateRecipient()
    const made = encryptedRig(5, [own, passphrase('correct horse', { cost: 14 }), recipient({ publicKey: pair.publicKey })])
    const id = await made.take()
    for (const provider of [own, passphrase('correct horse', { cost: 14 }), recipient({ privateKey: pair.privateKey })])
      expect((await (await openWith(made.storage, provider)).scope().readManifest(id)).snapshotId).toBe(id)
  })

  it('are wrapped anew for other providers, and nothing else is written', async () => {
    const made = encryptedRig(30, [own])
    const id = await made.take()
    const before = await objectsOf(made.storage)
    const both = await openWith(made.storage, own, other)
    for (const ring of [both.keys!, both.scope().keys!]) expect(await ring.rewrap()).toHaveLength(1)
    const last = await openWith(made.storage, other, own)
    expect((await last.keys!.records())[0]!.wraps.map(({ reference }) => reference)).toEqual([own.reference, other.reference])
    // Then without the old one.
    const onlyNew = await openWith(made.storage, other)
    for (const ring of [onlyNew.keys!, onlyNew.scope().keys!]) await ring.rewrap()
    await failure(openWith(made.storage, own), 'E_KEY_MISSING')
    expect((await (await openWith(made.storage, other)).scope().readManifest(id)).snapshotId).toBe(id)
    const after = await objectsOf(made.storage)
    for (const [key, body] of before) if (!key.includes('/keys/')) expect(after.get(key)?.equals(body), key).toBe(true)
    expect([...after.keys()].filter((key) => key.includes('/keys/'))).toEqual(['main/keys/0001.0003', 'main/s/-/keys/0001.0003'])
  })

  it('are renewed: what is written from then on needs the new one, what was there the old one, and equal lines are still found', async () => {
    const made = encryptedRig(60)
    const first = await made.take()
    const ring = (await openWith(made.storage, own)).scope().keys!
    const [old] = await ring.records()
    const renewed = await ring.renew()
    made.store.put('Order', orderRow(7, 'changed'))
    const second = await made.take('full')
    const objects = await objectsOf(made.storage)
    const keyOf = (name: string) => /"key":"([0-9a-f]{16})"/.exec(objects.get(name)!.toString('latin1'))![1]
    expect(keyOf(`main/s/-/snapshots/${first}/manifest`)).toBe(old!.keyId)
    expect(keyOf(`main/s/-/snapshots/${second}/manifest`)).toBe(renewed.id)
    const names = async (id: string) =>
      (await made.rig.manifest(id)).entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers.map(({ name }) => name)))
    const [before, after] = [new Set(await names(first)), await names(second)]
    expect(after.filter((name) => before.has(name)).length).toBeGreaterThan(after.length / 2)
    await expectTruth(made, second)
  })

  it.each(['incremental', 'full'] as const)('that are too far behind seal nothing that is used again: %s', async (kind) => {
    const made = encryptedRig(60)
    const first = await made.take()
    const sealedBy = async (id: string) => {
      const objects = await objectsOf(made.storage)
      const refs = (await made.rig.manifest(id)).entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers))
      const found = refs.flatMap(({ name, key }) => {
        const path = `main/s/-/chunks/${name.slice(0, 2)}/${name}`
        const ofObjects = ['hfc', 'hfx'].map((ending) => /"key":"([0-9a-f]{16})"/.exec(objects.get(`${path}.${ending}`)!.toString('latin1'))![1])
        expect(ofObjects, name).toContain(key)
        return ofObjects
      })
      return new Set(found)
    }
    const renew = async () => (await (await openWith(made.storage, own)).scope().keys!.renew()).id
    const [{ keyId: old } = { keyId: '' }] = await (await openWith(made.storage, own)).scope().keys!.records()
    await renew()
    const chunksBefore = [...(await objectsOf(made.storage)).keys()].filter((key) => key.includes('/chunks/'))
    // Behind by one, which is allowed: all chunks serve as they are.
    const second = await made.take(kind)
    expect([...(await objectsOf(made.storage)).keys()].filter((key) => key.includes('/chunks/'))).toEqual(chunksBefore)
    expect([...(await sealedBy(second))]).toEqual([old])
    const newest = await renew()
    const third = await made.take(kind)
    expect([...(await sealedBy(third))]).toEqual([newest])
    await expectTruth(made, third)
    // Once: the next run finds them so. And what was there still reads.
    const chunksAfter = [...(await objectsOf(made.storage)).keys()].filter((key) => key.includes('/chunks/'))
    expect(chunksAfter.length).toBe(2 * chunksBefore.length)
    await expectTruth(made, await made.take(kind))
    expect([...(await objectsOf(made.storage)).keys()].filter((key) => key.includes('/chunks/'))).toEqual(chunksAfter)
    for (const id of [first, second]) await expectTruth(made, id)
  })

  it('are renewed more often than a chunk has names: backups go on with the newest there is', async () => {
    const made = encryptedRig(3, [own])
    await made.take()
    for (let round = 0; round < 12; round++) {
      const repository = await openRepository({ storage: made.storage, prefix: 'main/', encryption: { providers: [own], resealAfter: 0 } })
      await repository.scope().keys!.renew()
      const eager = backupRig({ stores: [made.store], plan: made.rig.plan, storage: made.storage, encryption: { providers: [own], resealAfter: 0 } })
      const { snapshotId } = await (await eager.start(made.storage, { kind: round % 2 ? 'full' : 'incremental' })).result()
      await expectTruth(made, snapshotId, eager)
    }
  })

  it('that are too old leave a damaged chunk alone: an incremental run says so, and a full one stores it anew', async () => {
    const made = encryptedRig(60)
    await made.take()
    for (let n = 0; n < 2; n++) await (await openWith(made.storage, own)).scope().keys!.renew()
    const [key, body] = [...(await objectsOf(made.storage))].find(([name]) => name.endsWith('.hfc'))!
    const flipped = Buffer.from(body)
    flipped[flipped.byteLength - 5]! ^= 1
    await replace(made.storage, key, flipped)
    expect(await codeOf(made.take('incremental'))).toBe('E_ARCHIVE_CORRUPT')
    await expectTruth(made, await made.take('full'))
  })

  it('are destroyed, and what they sealed is gone for good', async () => {
    const made = encryptedRig(10)
    const id = await made.take()
    expect(await (await openWith(made.storage, own)).scope().keys!.destroy()).toBe(1)
    const error = await failure((await openWith(made.storage, own)).scope().readManifest(id), 'E_KEY_SHREDDED')
    expect(error.message).toContain('destroyed')
    await failure((await openWith(made.storage, own)).scope().keys!.current({ create: true }), 'E_KEY_SHREDDED')
  })

  it('are made once by processes that begin at the same moment', async () => {
    const storage = memoryStorage()
    const repositories = await Promise.all(
      Array.from({ length: 5 }, () => openRepository({ storage, prefix: 'main/', create: true, encryption: { providers: [own] } })),
    )
    const keys = await Promise.all(repositories.map((repository) => repository.scope().keys!.current({ create: true })))
    expect(new Set(keys.map(({ id }) => id)).size).toBe(1)
    expect(new Set(keys.map(({ secret }) => createHash('sha256').update(secret).digest('hex'))).size).toBe(1)
  })
})

describe('a damaged chunk of an encrypted repository', () => {
  it('is stored anew by the next full', async () => {
    const made = encryptedRig(80)
    await made.take()
    const [key, body] = [...(await objectsOf(made.storage))].find(([name]) => name.endsWith('.hfc'))!
    const flipped = Buffer.from(body)
    flipped[flipped.byteLength - 5]! ^= 1
    await replace(made.storage, key, flipped)
    const second = await made.take('full')
    await expectTruth(made, second)
  })
})
