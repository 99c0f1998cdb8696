import { assertObjectKey, assertObjectPrefix } from '../../src/contracts/object-key.ts'
import type { AdapterCapabilities, ObjectStat, StorageAdapter } from '../../src/contracts/storage-adapter.ts'
import { isTransientFailure } from '../../src/contracts/transient-failure.ts'
import { throwIfAborted } from '../../src/kernel/abort.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { freeBytes } from '../../src/kernel/free-bytes.ts'
import { Retrier, type RetryOptions } from '../../src/kernel/retry.ts'
import { assertSha256 } from './assert-sha256.ts'
import type { CloudDriver, CloudObject, CloudPage } from './cloud-driver.ts'
import { createPromiseProbe } from './promise-probe.ts'

/** Options that all cloud storages take. */
export interface CloudOptions {
  /** Put before every name: empty, or segments that end with a slash. Default empty. */
  readonly prefix?: string
  /** How often and how long calls are tried. `{ attempts: 1 }`: once. The SDK's own tries are switched off, unless you hand over a client that has them. */
  readonly retry?: RetryOptions
}

export interface CloudStorageParts extends CloudOptions {
  /** For messages: `s3:bucket`. */
  readonly name: string
  readonly capabilities: AdapterCapabilities
  /** Called once, with the first operation: loading the SDK may fail. */
  readonly connect: () => Promise<CloudDriver>
}

/** A storage over a provider's driver: names, sums, tries and the proof of its promises. */
export function cloudStorage({ name: place, capabilities: base, connect, prefix = '', retry = {} }: CloudStorageParts): StorageAdapter {
  assertObjectPrefix(prefix, base)
  if (prefix !== '' && !prefix.endsWith('/')) throw new HoldfastError('E_CONFIG', `${place}: \`prefix\` ${JSON.stringify(prefix)} must end with a slash`)
  const name = prefix === '' ? place : `${place}/${prefix.slice(0, -1)}`
  const capabilities = { ...base, maxKeyBytes: base.maxKeyBytes - prefix.length }
  const retrier = new Retrier(retry, { isTransient: isTransientFailure })
  let connecting: Promise<CloudDriver> | undefined

  function driver(): Promise<CloudDriver> {
    connecting ??= connect().catch((error: unknown) => {
      connecting = undefined
      throw error
    })
    return connecting
  }

  /** One request, and again while it fails for the moment. */
  async function ask<T>(what: string, signal: AbortSignal | undefined, work: (driver: CloudDriver, signal: AbortSignal) => Promise<T>): Promise<T> {
    throwIfAborted(signal)
    const connected = await driver()
    return retrier.run(
      (attempt) =>
        work(connected, attempt).catch((error: unknown) => {
          throw connected.errorOf(error, what)
        }),
      { signal },
    )
  }

  const storage: StorageAdapter = {
    name,
    capabilities,
    async put(key, body, { ifAbsent, sha256, signal, transfer }) {
      assertObjectKey(key, capabilities)
      throwIfAborted(signal)
      const bytes = body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : Buffer.concat(body)
      if (transfer && !(body instanceof Uint8Array)) body.forEach(freeBytes) // joined, they are not needed any more
      if (bytes.byteLength > capabilities.maxObjectBytes)
        throw new HoldfastError('E_STORAGE', `${key} has ${bytes.byteLength} bytes, ${name} takes ${capabilities.maxObjectBytes}`, {
          details: { transient: false },
        })
      if (ifAbsent) await probe(signal)
      const storing = `storing ${key} in ${name}`
      await ask(storing, signal, async (to, attempt) => {
        if (sha256 !== undefined && !(await to.provesSha256?.(bytes.byteLength, attempt))) await assertSha256(bytes, sha256, storing)
        await to.put(prefix + key, bytes, { ifAbsent, ...(sha256 === undefined ? {} : { sha256 }), signal: attempt })
      })
    },
    async get(key, { range, signal } = {}) {
      assertObjectKey(key, capabilities)
      const wanted = range && { start: Math.max(0, range.start), end: range.end }
      const empty = wanted !== undefined && wanted.end <= wanted.start
      const bytes = await ask(`reading ${key} from ${name}`, signal, async (from, attempt) => {
        if (empty) return (await from.stat(prefix + key, attempt)) && Buffer.alloc(0)
        return from.get(prefix + key, wanted, attempt)
      })
      if (!bytes) throw new HoldfastError('E_ARCHIVE_MISSING', `${key} is not in ${name}`, { details: { key } })
      return bytes
    },
    async stat(key, { signal } = {}) {
      assertObjectKey(key, capabilities)
      const found = await ask(`looking at ${key} in ${name}`, signal, (at, attempt) => at.stat(prefix + key, attempt))
      return found && statOf(key, found)
    },
    async *list(start, { signal } = {}) {
      assertObjectPrefix(start, capabilities)
      let last = ''
      let from: string | undefined
      do {
        const page: CloudPage = await ask(`listing ${start} in ${name}`, signal, (at, attempt) => at.list(prefix + start, from, attempt))
        for (const object of page.objects) {
          throwIfAborted(signal)
          if (!object.name.startsWith(prefix + start) || object.name <= last) throw disorder(name, last, object.name)
          last = object.name
          const key = object.name.slice(prefix.length)
          // Consoles make "folders" of objects whose names end with a slash; they are nobody's.
          if (!key.endsWith('/')) yield statOf(key, object)
        }
        from = page.next
      } while (from !== undefined)
    },
    async delete(keys, { signal } = {}) {
      for (const key of keys) assertObjectKey(key, capabilities)
      throwIfAborted(signal)
      if (keys.length === 0) return
      const { deletesAtOnce } = await driver()
      for (let at = 0; at < keys.length; at += deletesAtOnce) {
        const names = keys.slice(at, at + deletesAtOnce).map((key) => prefix + key)
        await ask(`deleting ${names.length} objects, ${keys[at]} first, from ${name}`, signal, (from, attempt) => from.delete(names, attempt))
      }
    },
    place: ({ signal } = {}) => ask(`looking at what ${name} is like`, signal, (at, attempt) => at.place(attempt)),
    async close() {
      const connected = connecting
      connecting = undefined
      await (await connected?.catch(() => undefined))?.close() // what could not be opened need not be closed
    },
  }
  const probe = createPromiseProbe(name, {
    put: (key, body) => ask(`probing ${name}`, undefined, (to, attempt) => to.put(prefix + key, body, { ifAbsent: true, signal: attempt })),
    list: async (key) => (await ask(`probing ${name}`, undefined, (at, attempt) => at.list(prefix + key, undefined, attempt))).objects.length > 0,
  })
  return storage
}

function statOf(key: string, { bytes, modifiedAt, archived }: CloudObject): ObjectStat {
  return { key, bytes, modifiedAt, ...(archived && { archived }) }
}

function disorder(name: string, last: string, next: string): HoldfastError {
  return new HoldfastError('E_STORAGE', `${name} lists ${next} after ${last}: not in the order of the names`, {
    hint: 'Holdfast takes what it needs from listings in the order of the names; use a bucket that lists so (no hierarchical namespace, no directory bucket).',
    details: { transient: false },
  })
}
