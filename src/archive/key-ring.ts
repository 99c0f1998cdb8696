import { createHmac, timingSafeEqual } from 'node:crypto'
import type { KeyContext, KeyProvider } from '../contracts/key-provider.ts'
import { commitmentOf, type DataKey, derive, newDataKey } from '../crypto/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { canonicalJson } from '../kernel/canonical-json.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { corrupt } from './archive-error.ts'
import { getJsonObject, putJsonObject } from './json-object.ts'
import { checkKeyRecord, type KeyRecord } from './key-record.ts'
import { createKeyWraps, type StoredKey } from './key-wraps.ts'
import type { ObjectSpace } from './object-space.ts'

/** The keys of the repository, or of the data of one scope. */
export interface KeyRing {
  /** What to write with. Made when there is none and `create` is set, else `E_KEY_MISSING`. @throws when it is to be made, as `assertProviders` */
  current(options?: AbortableOptions & { readonly create?: boolean }): Promise<DataKey>
  /** @throws `E_KEY_MISSING` when it was destroyed or nobody here can open it, `E_KEY_WRONG`, `E_KEY_UNAVAILABLE` */
  byId(keyId: string, options?: AbortableOptions): Promise<DataKey>
  /** How many renewals the key is behind what is written with now. Of one that is not known: as many as the first. */
  renewalsSince(keyId: string | undefined, options?: AbortableOptions): Promise<number>
  /** All keys, as they are stored, by epoch; none is opened. */
  records(options?: AbortableOptions): Promise<readonly KeyRecord[]>
  /**
   * Every configured provider that can open does open what the keys of the ring, and of the repository, hold under its name. A provider that they do not name yet, and one that can only wrap,
   * have nothing to prove. Rewrapping, renewing and making a key ask this before they write. `fresh`: by the keys that are there now, not those of a while ago.
   *
   * @throws `E_KEY_WRONG`, naming the provider; `E_KEY_UNAVAILABLE`
   */
  assertProviders(options?: AbortableOptions & { readonly fresh?: boolean }): Promise<void>
  /** Wraps every key for the providers that are configured now, and removes the wraps there were. Nothing else is rewritten. Returns the ids of the keys. @throws as `assertProviders` */
  rewrap(options?: AbortableOptions): Promise<readonly string[]>
  /** A new key for what is written from now on; what is there stays readable with the old ones. @throws as `assertProviders` */
  renew(options?: AbortableOptions): Promise<DataKey>
  /** When they were destroyed, by the storage's clock; null when they were not. */
  destroyedAt(options?: AbortableOptions): Promise<number | null>
  /** Destroys all keys, and sees to it that none is made again. What they sealed can never be read. Called again it goes on where it was stopped. Returns how many objects were deleted. */
  destroy(options?: AbortableOptions): Promise<number>
}

export interface KeyRingOptions {
  /** Of the repository, not sealed. */
  readonly space: ObjectSpace
  /** Where the records stand; ends with a slash. */
  readonly folder: string
  readonly purpose: KeyContext['purpose']
  readonly scope: string | null
  readonly providers: readonly KeyProvider[]
  /** The key of the repository, and the ring that holds it; null for that ring. */
  readonly root: { readonly key: DataKey; readonly ring: Pick<KeyRing, 'assertProviders'> } | null
  /** Keys that are made here are used without being opened again. Default false: a provider that wraps what it cannot open is found at once. */
  readonly sealOnly?: boolean
}

interface StoredRecord extends StoredKey {
  readonly set: number
}

/** How long a process goes on with the keys it has seen before it looks for newer ones. */
const LOOKED_FOR_MS = 60_000
/** Stands where keys were. */
const DESTROYED = 'destroyed'
const NAME = /^([0-9]{4})\.([0-9]{4})$/

export function createKeyRing(options: KeyRingOptions): KeyRing {
  const { space, folder, purpose, scope, providers, root, sealOnly = false } = options
  const opened = new Map<string, Promise<DataKey>>()
  let looked: { readonly at: number; readonly records: Promise<readonly StoredRecord[]> } | null = null
  const wraps = createKeyWraps(providers, space)
  const where = space.label(folder)

  async function load(call: AbortableOptions): Promise<readonly StoredRecord[]> {
    const latest = new Map<number, { object: string; set: number }>()
    if (await space.stat(`${folder}${DESTROYED}`, call)) throw new HoldfastError('E_KEY_SHREDDED', `the keys in ${where} were destroyed`)
    for await (const { key: object } of space.list(folder, call)) {
      const [, epoch, set] = NAME.exec(object.slice(folder.length)) ?? []
      if (epoch !== undefined && Number(set) > (latest.get(Number(epoch))?.set ?? 0)) latest.set(Number(epoch), { object, set: Number(set) })
    }
    const records: StoredRecord[] = []
    for (const [epoch, { object, set }] of [...latest].toSorted(([a], [b]) => a - b)) {
      const record = checkKeyRecord(await getJsonObject(space, object, 'key', call), space.label(object))
      if (record.epoch !== epoch || record.purpose !== purpose || record.scope !== scope)
        throw corrupt(space.label(object), 'is another key than its name says')
      assertMac(record, space.label(object))
      records.push({ ...record, object, set })
    }
    return records
  }

  async function stored(call: AbortableOptions, fresh = false): Promise<readonly StoredRecord[]> {
    if (!fresh && looked && Date.now() - looked.at < LOOKED_FOR_MS) return looked.records
    const mine = { at: Date.now(), records: load(call) }
    looked = mine
    try {
      return await mine.records
    } catch (error) {
      if (looked === mine) looked = null
      throw error
    }
  }

  function open(record: StoredRecord, call: AbortableOptions): Promise<DataKey> {
    const known = opened.get(record.keyId)
    if (known) return known
    const opening = wraps.open(record, call)
    opened.set(record.keyId, opening)
    opening.catch(() => opened.delete(record.keyId))
    return opening
  }

  /** A key that was just made need not be opened: where only recipients are given, nobody here could. */
  function keep(key: DataKey): void {
    opened.set(key.id, Promise.resolve(key))
  }

  async function store(key: DataKey, epoch: number, set: number, createdAt: string, call: AbortableOptions): Promise<void> {
    const wrapped = await wraps.make(key, { purpose, scope }, call)
    const record: KeyRecord = { purpose, scope, epoch, keyId: key.id, createdAt, commitment: commitmentOf(key), wraps: wrapped }
    const mac = macOf(record)
    await putJsonObject(space, `${folder}${digits(epoch)}.${digits(set)}`, 'key', mac === null ? record : { ...record, mac }, call)
  }

  async function assertOpened(records: readonly StoredRecord[], fresh: boolean, call: AbortableOptions): Promise<void> {
    // The key of the repository is always there, and so it knows providers that a ring without keys does not.
    await root?.ring.assertProviders({ ...call, fresh })
    for (const record of records) await wraps.assertOpenedByEach(record, call)
  }

  /** Every wrap before these, also of a rewrap that ended before it had deleted them: who was dropped must not open one that was forgotten. */
  async function olderThan(records: readonly StoredRecord[], call: AbortableOptions): Promise<string[]> {
    const sets = new Map(records.map(({ epoch, set }) => [epoch, set]))
    const older: string[] = []
    for await (const { key: object } of space.list(folder, call)) {
      const [, epoch, set] = NAME.exec(object.slice(folder.length)) ?? []
      if (epoch !== undefined && Number(set) < (sets.get(Number(epoch)) ?? 0)) older.push(object)
    }
    return older
  }

  /** Makes the key of an epoch; when somebody else just made it, that one is taken. */
  async function make(epoch: number, naming: Buffer | undefined, before: readonly StoredRecord[], call: AbortableOptions): Promise<DataKey> {
    await assertOpened(before, true, call)
    const made = newDataKey(naming)
    try {
      await store(made, epoch, 1, new Date().toISOString(), call)
      if (sealOnly) keep(made)
    } catch (error) {
      if (!isHoldfastError(error, 'E_STORAGE_EXISTS')) throw error
    }
    const record = (await stored(call, true)).find((one) => one.epoch === epoch)
    if (!record) throw corrupt(where, `the key of epoch ${epoch} was just made, and is not there`)
    return open(record, call)
  }

  function macOf(record: KeyRecord): string | null {
    if (!root) return null
    const signed = canonicalJson({ ...record, mac: undefined })
    return createHmac('sha256', derive(root.key.secret, '', 'ring-mac'))
      .update(signed)
      .digest('hex')
  }

  function assertMac(record: KeyRecord, label: string): void {
    const expected = macOf(record)
    if (expected === null) return
    if (record.mac === undefined || !timingSafeEqual(Buffer.from(expected, 'hex'), Buffer.from(record.mac, 'hex')))
      throw corrupt(label, 'was not made with the key of this repository')
  }

  const ring: KeyRing = {
    async current({ create = false, ...call } = {}) {
      const latest = (await stored(call)).at(-1)
      if (latest) return open(latest, call)
      if (!create) throw new HoldfastError('E_KEY_MISSING', `there is no key in ${where}`)
      return make(1, undefined, [], call)
    },
    async byId(keyId, call = {}) {
      const find = (records: readonly StoredRecord[]) => records.find((record) => record.keyId === keyId)
      const record = find(await stored(call)) ?? find(await stored(call, true))
      if (record) return open(record, call)
      throw new HoldfastError('E_KEY_MISSING', `the key ${keyId} is not in ${where}: it was destroyed, or not copied along`, { details: { keyId } })
    },
    async renewalsSince(keyId, call = {}) {
      const records = await stored(call)
      const epoch = records.find((record) => record.keyId === keyId)?.epoch ?? records[0]?.epoch ?? 0
      return (records.at(-1)?.epoch ?? 0) - epoch
    },
    records: async (call = {}) => (await stored(call, true)).map(({ object: _object, set: _set, ...record }) => record),
    assertProviders: async ({ fresh = false, ...call } = {}) => assertOpened(await stored(call, fresh), fresh, call),
    async rewrap(call = {}) {
      const records = await stored(call, true)
      await assertOpened(records, false, call)
      for (const record of records) {
        const key = await open(record, call)
        await store(key, record.epoch, record.set + 1, record.createdAt, call)
        opened.delete(key.id)
      }
      // The old wraps go only when the new ones were read back and open.
      const proved = await stored(call, true)
      for (const record of proved) await open(record, call)
      await space.delete(await olderThan(proved, call), call)
      return records.map(({ keyId }) => keyId)
    },
    async renew(call = {}) {
      const latest = (await stored(call, true)).at(-1)
      return latest ? make(latest.epoch + 1, (await open(latest, call)).naming, [latest], call) : make(1, undefined, [], call)
    },
    destroyedAt: async (call) => (await space.stat(`${folder}${DESTROYED}`, call))?.modifiedAt ?? null,
    async destroy(call = {}) {
      // First, so that no process makes a new key of what it believes to be the first backup.
      await putJsonObject(space, `${folder}${DESTROYED}`, 'key', { destroyed: true }, call)
      const objects: string[] = []
      for await (const { key } of space.list(folder, call)) if (NAME.test(key.slice(folder.length))) objects.push(key)
      await space.delete(objects, call)
      opened.clear()
      looked = null
      return objects.length
    },
  }
  return ring
}

function digits(n: number): string {
  return String(n).padStart(4, '0')
}
