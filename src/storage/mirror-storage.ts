import type { AdapterCapabilities, GetOptions, ObjectStat, PutOptions, StorageAdapter } from '../contracts/storage-adapter.ts'
import { isTransientFailure } from '../contracts/transient-failure.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import type { Logger } from '../contracts/logger.ts'
import { isCommitPoint } from './copy-objects.ts'
import { type CatchUpReport, MirrorCopy, type MirrorCopyStatus } from './mirror-copy.ts'
import { createLeadGuard } from './mirror-lead.ts'
import { mirrorWarnings } from './mirror-warnings.ts'
import { isReferredTo } from './repository-identity.ts'

export interface MirrorDestination {
  readonly storage: StorageAdapter
  /** A `put` is acknowledged when every required copy has it. One that is not required is left behind when it fails. Default true. */
  readonly required?: boolean
}

export interface MirrorOptions {
  /** Where copies go, the nearest first: reads try them in this order. The first that is required decides which names are taken, and what there is. */
  readonly copies: readonly MirrorDestination[]
  /** Told when a copy falls behind, and when one had to be read in place of another. Default: a warning of the process (`process.emitWarning`, code `HOLDFAST_MIRROR`), once for each copy and matter. */
  readonly logger?: Logger
}

export interface CatchUpOptions extends AbortableOptions {
  /** Also delete what the first required copy does not have. Default false: a first copy that lost everything must not empty the others. */
  readonly deleteExtra?: boolean
}

export interface MirrorStorage extends StorageAdapter {
  /** How each copy stands, in the order of `copies`. */
  copies(): readonly MirrorCopyStatus[]
  /** Copies what is missing to every copy but the first required one, manifests last. A copy that fails stays behind; the error is thrown after the others had their turn. */
  catchUp(options?: CatchUpOptions): Promise<readonly CatchUpReport[]>
}

/** What is missing of a copy that is not required is brought there before a commit when it is no more than this; else by `catchUp()`. */
const MEND_AT_COMMIT_BYTES = 64 * 1024 * 1024
const UNLIMITED = Number.POSITIVE_INFINITY

/**
 * Several storages as one: each object goes to all of them. Reads come from the nearest that has the object sound. A manifest reaches a copy only when everything that the
 * first one holds is there: before it, both listings are held beside each other. So each copy is at every moment a repository of its own, with fewer snapshots perhaps.
 *
 * - A required copy that fails makes the `put` fail (`E_STORAGE`, `details.fatal`: it must count as failed, though copies have it). Storing again brings it there.
 * - A copy that is not required and fails is `behind`, gets nothing more, and shows no new snapshot, until a commit or `catchUp()` has brought it what it missed.
 * - Capabilities are those that all required copies have. Tries, time-outs and breakers belong around each copy, not around the mirror.
 *
 * @throws `E_CONFIG` without a required copy.
 */
export function mirrorStorage(options: MirrorOptions): MirrorStorage {
  assertKnownOptions(options, ['copies', 'logger'], 'mirrorStorage')
  const { copies: destinations, logger = mirrorWarnings() } = options
  const first = destinations.find(({ required = true }) => required)?.storage
  if (!first) throw new HoldfastError('E_CONFIG', 'mirrorStorage: none of `copies` is required', { hint: 'One of them must decide which names are taken.' })
  const copies = destinations.map(({ storage, required = true }) => new MirrorCopy(storage, required, storage === first ? 'level' : 'unknown'))
  if (new Set(destinations.map(({ storage }) => storage)).size < copies.length)
    throw new HoldfastError('E_CONFIG', 'mirrorStorage: a storage is there twice in `copies`')
  const arbiter = copies.find(({ storage }) => storage === first)!
  const followers = copies.filter((copy) => copy !== arbiter)
  const required = copies.filter((copy) => copy.required)
  const leading = [arbiter, ...required.filter((copy) => copy !== arbiter)]
  const assertLeads = createLeadGuard(first, followers, (copy, error) => leaveBehind(copy, error, 'asking which repository it holds'))
  const name = `mirror:${copies.map(({ storage }) => storage.name).join('+')}`
  const capabilities = intersection(required.map(({ storage }) => storage.capabilities))

  function leaveBehind(copy: MirrorCopy, error: unknown, what: string): void {
    if (copy.state !== 'behind') logger.warn({ copy: copy.storage.name, error: messageOf(error) }, `a copy of the mirror fell behind: ${what}`)
    copy.fellBehind(error)
  }

  /** Does it for every follower at once. A required one that fails makes it fail, when all are done. */
  async function onFollowers(what: string, signal: AbortSignal | undefined, work: (copy: MirrorCopy) => Promise<void>): Promise<void> {
    const failures: unknown[] = []
    await Promise.all(
      followers.map((copy) =>
        work(copy).catch((error: unknown) => {
          leaveBehind(copy, error, what)
          if (copy.required) failures.push(error)
        }),
      ),
    )
    throwIfAborted(signal)
    const [failure] = failures
    if (failure === undefined) return
    if (!isHoldfastError(failure, 'E_STORAGE')) throw failure
    const { reason, hint } = failure
    throw new HoldfastError('E_STORAGE', `${what} failed in a copy that is required: ${reason}`, { cause: failure, hint, details: { fatal: true } })
  }

  async function put(key: string, body: Uint8Array | readonly Uint8Array[], { ifAbsent, sha256, signal }: PutOptions): Promise<void> {
    await assertLeads(key, { signal })
    const commit = isCommitPoint(key)
    const wants = (copy: MirrorCopy) => copy.required || (commit ? copy.state === 'level' : copy.state !== 'behind')
    if (commit)
      await onFollowers(`bringing a copy up to ${key}`, signal, async (copy) => {
        const { state } = await copy.mend(first!, { upToBytes: copy.required ? UNLIMITED : MEND_AT_COMMIT_BYTES, deleteExtra: false, signal })
        if (state === 'behind') logger.warn({ copy: copy.storage.name }, 'a copy of the mirror is behind, and does not get the new snapshot')
      })
    const taken = await first!.put(key, body, { ifAbsent, signal, ...(sha256 === undefined ? {} : { sha256 }) }).then(
      () => null,
      (error: unknown) => {
        if (isHoldfastError(error, 'E_STORAGE_EXISTS')) return error
        throw error
      },
    )
    // Taken by these very bytes: of a writer, perhaps, that died before the other copies had them.
    if (taken && !(await sameBytes(first!, key, body, signal))) throw taken
    await onFollowers(`storing ${key}`, signal, async (copy) => {
      if (wants(copy)) await copy.follow(key, body, { first: first!, ifAbsent, sha256, signal })
      else copy.fellBehind(null)
    })
    if (taken) throw taken
  }

  async function get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    const { accept, range, signal } = options
    const passedOver: (readonly [MirrorCopy, string])[] = []
    let damaged: Uint8Array | undefined
    let failed: unknown
    let missing: unknown
    for (const copy of copies) {
      if (range && !copy.storage.capabilities.rangeRead) continue
      try {
        const bytes = await copy.storage.get(key, { signal, ...(range && { range }) })
        if (!accept || (await accept(bytes))) {
          for (const [other, why] of passedOver) noteReadElsewhere(other, key, why)
          return bytes
        }
        damaged ??= bytes
        passedOver.push([copy, `${key} is damaged`])
      } catch (error) {
        throwIfAborted(signal)
        if (isHoldfastError(error, 'E_STORAGE_KEY') || isHoldfastError(error, 'E_CAPABILITY')) throw error
        if (isHoldfastError(error, 'E_ARCHIVE_MISSING')) missing ??= error
        else if (copy.required) failed ??= error
        passedOver.push([copy, messageOf(error)])
      }
    }
    if (damaged) return damaged
    throw failed ?? missing
  }

  function noteReadElsewhere(copy: MirrorCopy, key: string, why: string): void {
    copy.readElsewhere++
    copy.lastError = why
    logger.warn({ copy: copy.storage.name, key, error: why }, 'an object was read from another copy of the mirror')
  }

  /** What the first storage says, or, while it does not answer, another that must have everything as well. */
  async function ask<T>(signal: AbortSignal | undefined, work: (storage: StorageAdapter) => Promise<T>): Promise<T> {
    let failure: unknown
    for (const { storage } of leading) {
      try {
        return await work(storage)
      } catch (error) {
        throwIfAborted(signal)
        if (!isAway(error)) throw error
        failure ??= error
      }
    }
    throw failure
  }

  async function* list(prefix: string, options: AbortableOptions = {}): AsyncGenerator<ObjectStat> {
    let last = ''
    let failure: unknown
    for (const { storage } of leading) {
      try {
        for await (const stat of storage.list(prefix, options)) {
          if (stat.key <= last) continue
          last = stat.key
          yield stat
        }
        return
      } catch (error) {
        throwIfAborted(options.signal)
        if (!isAway(error)) throw error
        failure ??= error
      }
    }
    throw failure
  }

  return {
    name,
    capabilities,
    put,
    get,
    stat: (key, options = {}) => ask(options.signal, (storage) => storage.stat(key, options)),
    list,
    async delete(keys, options = {}) {
      throwIfAborted(options.signal)
      // The first storage last: what a copy could not delete is still there to be deleted again.
      const sweeps = keys.some(isReferredTo)
      await onFollowers(`deleting ${keys.length} objects`, options.signal, async (copy) => {
        if (!copy.required && copy.state === 'behind') return copy.fellBehind(null)
        if (sweeps && (await copy.isAhead(first, options))) throw isAhead(copy.storage, first)
        await copy.storage.delete(keys, options)
      })
      await first.delete(keys, options)
    },
    ...(copies.some(({ storage }) => storage.removeFolders) && {
      async removeFolders(prefix: string, options: AbortableOptions = {}) {
        for (const { storage, state, required: needed } of copies) if (needed || state !== 'behind') await storage.removeFolders?.(prefix, options)
      },
    }),
    ...(required.some(({ storage }) => storage.place) && {
      /** What holds of any copy that is required. */
      async place(options: AbortableOptions = {}) {
        const places = await Promise.all(leading.flatMap(({ storage }) => storage.place?.(options) ?? []))
        const retentions = places.flatMap(({ retention }) => retention ?? [])
        return {
          versioning: anyOf(places.map(({ versioning }) => versioning)),
          objectLock: anyOf(places.map(({ objectLock }) => objectLock)),
          retention: retentions.length > 0 ? retentions.join('; ') : null,
          archives: anyOf(places.map(({ archives }) => archives)),
        }
      },
    }),
    ...(required.every(({ storage }) => storage.quota) && {
      async quota(options: AbortableOptions = {}) {
        const quotas = await Promise.all(leading.map(({ storage }) => storage.quota!(options)))
        return { usedBytes: quotas[0]!.usedBytes, freeBytes: Math.min(...quotas.map(({ freeBytes }) => freeBytes)) }
      },
    }),
    copies: () => copies.map(({ status }) => status),
    async catchUp({ deleteExtra = false, signal } = {}) {
      const reports: CatchUpReport[] = []
      let failure: unknown
      for (const copy of followers) {
        throwIfAborted(signal)
        try {
          // Once more when something was missed meanwhile: what came in the end is little.
          let report = await copy.mend(first, { upToBytes: UNLIMITED, deleteExtra, compareKeys: true, signal })
          if (report.state === 'behind' && (deleteExtra || report.extra === 0)) {
            const again = await copy.mend(first, { upToBytes: UNLIMITED, deleteExtra, compareKeys: true, signal })
            report = { ...again, copied: report.copied + again.copied, copiedBytes: report.copiedBytes + again.copiedBytes, extra: report.extra + again.extra }
          }
          reports.push(report)
        } catch (error) {
          throwIfAborted(signal)
          leaveBehind(copy, error, 'catching up')
          failure ??= error
        }
      }
      if (failure !== undefined) throw failure
      return reports
    },
    async close() {
      const closed = await Promise.allSettled(copies.map(({ storage }) => storage.close()))
      for (const outcome of closed) if (outcome.status === 'rejected') throw outcome.reason
    },
  }
}

/** Chunks go that no snapshot of the first storage refers to; those that it lost, and this copy has, do. */
function isAhead(copy: StorageAdapter, first: StorageAdapter): HoldfastError {
  return new HoldfastError('E_STORAGE', `${copy.name} has snapshots that ${first.name} lacks, so that chunks are not deleted there`, {
    hint: `Bring them back with migrateStorage({ from, to }), or delete them there with catchUp({ deleteExtra: true }).`,
    details: { transient: false },
  })
}

/** Nobody is at fault but this storage, and another may answer. */
function isAway(error: unknown): boolean {
  return isTransientFailure(error) || isHoldfastError(error, 'E_STORAGE_RESTING') || isHoldfastError(error, 'E_PERMISSION')
}

async function sameBytes(storage: StorageAdapter, key: string, body: Uint8Array | readonly Uint8Array[], signal: AbortSignal | undefined): Promise<boolean> {
  const ours = Buffer.concat(body instanceof Uint8Array ? [body] : body)
  const stat = await storage.stat(key, { signal })
  return stat?.bytes === ours.byteLength && Buffer.compare(await storage.get(key, { signal }), ours) === 0
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : JSON.stringify(error)
}

/** What one copy may do to its objects is to be reckoned with, whatever the others do. */
const OF_ANY: readonly string[] = ['objectLock', 'versioning', 'lifecycleTiers'] satisfies readonly (keyof AdapterCapabilities)[]

function intersection(all: readonly AdapterCapabilities[]): AdapterCapabilities {
  return all.reduce((left, right) => {
    const both = Object.entries(left).map(([name, value]) => {
      const other = right[name as keyof AdapterCapabilities]
      if (OF_ANY.includes(name)) return [name, value || other]
      return [name, typeof value === 'boolean' ? value && other : Math.min(value as number, other as number)]
    })
    return Object.fromEntries(both) as AdapterCapabilities
  })
}

/** Null when it is true of none, and not known of one. */
function anyOf(facts: readonly (boolean | null)[]): boolean | null {
  return facts.includes(true) ? true : facts.includes(null) ? null : false
}
