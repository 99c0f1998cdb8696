import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import type { KeyProvider, StorageAdapter } from '../../src/contracts/index.ts'
import { generateRecipient, passphrase, recipient, secretKey } from '../../src/crypto/encryption.ts'
import { createHoldfast } from '../../src/holdfast.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { TENANTS, tenantPlan, tenantShop } from '../fixtures/tenants/tenant-shop.ts'
import { openTypeormTenants } from '../fixtures/tenants/typeorm-tenants.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import type { OpenedStore } from '../support/end-to-end/orm-under-test.ts'
import { failure } from '../support/failure.ts'

const [ACME, LOUD] = TENANTS
const file = secretKey(Buffer.alloc(32, 1))
const right = passphrase('correct horse', { cost: 14 })
const wrong = passphrase('incorrect horse', { cost: 14 })
const successor = passphrase('another horse', { cost: 14, name: 'of next year' })

async function objectsOf(storage: StorageAdapter): Promise<Map<string, string>> {
  const objects = new Map<string, string>()
  for await (const { key } of storage.list(''))
    objects.set(
      key,
      createHash('sha256')
        .update(await storage.get(key))
        .digest('hex'),
    )
  return objects
}

/** The error of work that a wrong passphrase is refused for, before anything was written. */
async function refusal(storage: StorageAdapter, work: () => Promise<unknown>): Promise<HoldfastError> {
  const before = await objectsOf(storage)
  const error = await failure(work(), 'E_KEY_WRONG')
  expect(await objectsOf(storage)).toEqual(before)
  expect(error.message).toContain('passphrase passphrase is configured, and does not open')
  expect(error.hint).toContain('passphrase(text, { name })')
  return error
}

describe('a wrong passphrase beside a key file that opens everything', () => {
  let database: LiveDatabase
  let opened: OpenedStore
  let storage: StorageAdapter
  let snapshotId: string
  const holdfastWith = (...providers: KeyProvider[]) =>
    createHoldfast({ stores: [opened.store], storage, encryption: { providers }, plans: [tenantPlan(opened.store)] })
  const verified = async (id: string, scope: string, ...providers: KeyProvider[]) =>
    expect((await (await holdfastWith(...providers)).discovery.verify(id, { scope })).damages).toEqual([])

  beforeAll(async () => {
    database = await createLiveDatabase('sqlite')
    await database.carelessly(...tenantShop('sqlite'))
    opened = await openTypeormTenants('sqlite', database.location)
    storage = memoryStorage()
    snapshotId = (await (await holdfastWith(file, right)).backups.run('shop', { scope: ACME })).snapshotId
  })
  afterAll(async () => {
    await opened.close()
    await database.drop()
  })

  it('reads, and backs up what has keys', async () => {
    const holdfast = await holdfastWith(file, wrong)
    await verified(snapshotId, ACME, file, wrong)
    expect((await holdfast.restores.plan({ snapshot: snapshotId, scope: ACME, policy: 'overwrite' })).planId).toBeTruthy()
    const again = await holdfast.backups.run('shop', { scope: ACME })
    await verified(again.snapshotId, ACME, right)
  })

  it('wraps no key of a new tenant, whose backup is refused', async () => {
    await refusal(storage, async () => (await holdfastWith(file, wrong)).backups.run('shop', { scope: LOUD }))
    const { snapshotId: theirs } = await (await holdfastWith(file, right)).backups.run('shop', { scope: LOUD })
    await verified(theirs, LOUD, right)
  })

  it('renews no key', async () => {
    await refusal(storage, async () => (await holdfastWith(file, wrong)).keys.renew({ scope: ACME }))
    await (await holdfastWith(file, right)).keys.renew({ scope: ACME })
  })

  it('rewraps no key, and the right one still opens all of them alone', async () => {
    await refusal(storage, async () => (await holdfastWith(file, wrong)).keys.rewrap())
    await refusal(storage, async () => (await holdfastWith(wrong, file)).keys.rewrap())
    await verified(snapshotId, ACME, right)
  })

  it('gives way to one of another name, which is added, and then stands alone', async () => {
    const before = await objectsOf(storage)
    await (await holdfastWith(file, right, successor)).keys.rewrap()
    await refusal(storage, async () => (await holdfastWith(file, wrong, successor)).keys.rewrap())
    await (await holdfastWith(file, successor)).keys.rewrap()
    await verified(snapshotId, ACME, successor)
    await failure((await holdfastWith(right)).discovery.snapshots({ scope: ACME }), 'E_KEY_MISSING')
    for (const [key, body] of await objectsOf(storage)) if (!key.includes('keys/')) expect(body, key).toBe(before.get(key))
  })
})

describe('providers, before they wrap', () => {
  const openWith = (storage: StorageAdapter, ...providers: KeyProvider[]) => openRepository({ storage, create: true, encryption: { providers } })
  /** Its unwrapping is counted, and fails while it is told to. */
  function service(): { readonly provider: KeyProvider; asked: number; down: boolean } {
    const inner = secretKey(Buffer.alloc(32, 3))
    const state = {
      asked: 0,
      down: false,
      provider: {
        ...inner,
        kind: 'service',
        unwrap: async (...call: Parameters<KeyProvider['unwrap']>) => {
          state.asked++
          if (state.down) throw new HoldfastError('E_KEY_UNAVAILABLE', 'the service does not answer')
          return inner.unwrap(...call)
        },
      },
    }
    return state
  }

  it('of the public key alone have nothing to prove', async () => {
    const pair = generateRecipient()
    const storage = memoryStorage()
    const writer = [file, recipient({ publicKey: pair.publicKey })]
    await (await openWith(storage, ...writer)).scope('a').keys!.current({ create: true })
    const later = await openWith(storage, ...writer)
    const made = await later.scope('b').keys!.current({ create: true })
    await later.scope('b').keys!.renew()
    for (const ring of [later.keys!, later.scope('b').keys!]) await ring.rewrap()
    const reader = await openWith(storage, recipient({ privateKey: pair.privateKey }))
    expect((await reader.scope('b').keys!.byId(made.id)).secret).toEqual(made.secret)
  })

  it('are asked once in a process, however many keys are made, and not at all for reading', async () => {
    const storage = memoryStorage()
    const kms = service()
    await (await openWith(storage, file, kms.provider)).scope('a').keys!.current({ create: true })
    // Nobody doubts what was wrapped here a moment ago.
    expect(kms.asked).toBe(0)
    const later = await openWith(storage, file, kms.provider)
    await later.scope('a').keys!.current()
    expect(kms.asked).toBe(0)
    for (const id of ['b', 'c', 'd']) await later.scope(id).keys!.current({ create: true })
    expect(kms.asked).toBe(1)
  })

  it('whose service is down leave reading alone, and nothing is wrapped', async () => {
    const storage = memoryStorage()
    const kms = service()
    const { id } = await (await openWith(storage, file, kms.provider)).scope('a').keys!.current({ create: true })
    kms.down = true
    const later = await openWith(storage, file, kms.provider)
    expect((await later.scope('a').keys!.current()).id).toBe(id)
    const before = await objectsOf(storage)
    await failure(later.scope('b').keys!.current({ create: true }), 'E_KEY_UNAVAILABLE')
    await failure(later.keys!.rewrap(), 'E_KEY_UNAVAILABLE')
    expect(await objectsOf(storage)).toEqual(before)
    kms.down = false
    await later.scope('b').keys!.current({ create: true })
  })

  it('are held against the keys that are there now, not those of a while ago', async () => {
    const storage = memoryStorage()
    const running = await openWith(storage, file, wrong)
    await running.scope('a').keys!.current({ create: true })
    for (const providers of [[file], [file, right]]) {
      const { keys, scope } = await openWith(storage, ...providers)
      for (const ring of [keys!, scope('a').keys!]) await ring.rewrap()
    }
    await refusal(storage, () => running.scope('b').keys!.current({ create: true }))
  })

  it('that a single key was wrapped with wrongly are refused for that key, until they were left out once', async () => {
    const storage = memoryStorage()
    await (await openWith(storage, file)).scope('a').keys!.current({ create: true })
    // The key of the repository does not know the passphrase yet, so the scope's own tells.
    await (await openWith(storage, file, wrong)).scope('a').keys!.rewrap()
    const { keys, scope } = await openWith(storage, file, right)
    const ring = scope('a').keys!
    const error = await refusal(storage, () => ring.renew())
    expect(error.message).toContain('s/a/keys/0001.0002')
    await refusal(storage, () => ring.rewrap())
    await (await openWith(storage, file)).scope('a').keys!.rewrap()
    for (const one of [keys!, scope('a').keys!]) await one.rewrap()
    await (await openWith(storage, right)).scope('a').keys!.current()
  })
})

describe('a key that is not among those that open', () => {
  it('is said to be another one, and which are needed', async () => {
    const pair = generateRecipient()
    const storage = memoryStorage()
    await openRepository({ storage, create: true, encryption: { providers: [file, recipient(pair)] } })
    const other = secretKey(Buffer.alloc(32, 2))
    const open = (...providers: KeyProvider[]) => failure(openRepository({ storage, encryption: { providers } }), 'E_KEY_MISSING')
    const holders = `key-file ${file.reference}, x25519 ${recipient(pair).reference}`
    const plain = await open(other)
    expect(plain.message).toContain(`can be opened by ${holders}; configured: key-file ${other.reference}`)
    expect(plain.hint).toBe(`What is configured is another key than those that open it. One of these is needed: ${holders}.`)
    expect((await open(other, recipient({ publicKey: pair.publicKey }))).hint).toContain(`Of x25519 ${recipient(pair).reference} only the public key is here`)
  })
})
