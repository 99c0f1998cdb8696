import type { ObjectStat, StorageAdapter } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { compareListings, copyInOrder, holdsSame, isCommitPoint } from './copy-objects.ts'
import { isChunkObject, isRepositoryFile, isWrappedKey } from './repository-identity.ts'

/** How long an answer holds: of a prune that deletes in many calls, the listings are not held beside each other for each. */
const LOOK_MS = 60_000

/** `level`: all that the first storage held when this was looked at last, and all since. `behind`: something is missing. `unknown`: nobody has looked yet. */
export type CopyState = 'level' | 'behind' | 'unknown'

export interface MirrorCopyStatus {
  /** The storage's. */
  readonly name: string
  readonly required: boolean
  readonly state: CopyState
  /** Objects stored or deleted elsewhere and not here, since it fell behind. */
  readonly missed: number
  /** Why it fell behind, or what a read from it came to last. */
  readonly lastError: string | null
  /** Reads that another copy had to answer, because here the object was damaged, missing, or could not be read. */
  readonly readElsewhere: number
}

export interface CatchUpReport {
  readonly name: string
  readonly copied: number
  readonly copiedBytes: number
  /** Objects of the same name in another size, and keys with other bytes: left alone. */
  readonly differing: number
  /** Objects that the first storage does not have; deleted when that was asked for. */
  readonly extra: number
  readonly state: CopyState
}

/** What a look at a copy may mend by the way. */
export interface MendOptions extends AbortableOptions {
  /** Most bytes that are copied; when more is missing, nothing is. */
  readonly upToBytes: number
  readonly deleteExtra: boolean
  /** Reads keys in both places, whose size says nothing, as is always done with `repository.json`. Default false. */
  readonly compareKeys?: boolean
}

/** One destination of a mirror, and how it stands to the first. */
export class MirrorCopy {
  readonly storage: StorageAdapter
  readonly required: boolean
  state: CopyState
  missed = 0
  lastError: string | null = null
  readElsewhere = 0
  /** Whether it had snapshots that the first storage had not, when somebody looked. */
  #ahead = false
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(storage: StorageAdapter, required: boolean, state: CopyState) {
    this.storage = storage
    this.required = required
    this.state = state
  }

  get status(): MirrorCopyStatus {
    const { storage, required, state, missed, lastError, readElsewhere } = this
    return { name: storage.name, required, state, missed, lastError, readElsewhere }
  }

  fellBehind(error: unknown): void {
    this.state = 'behind'
    this.missed++
    if (error !== null) this.lastError = error instanceof Error ? error.message : JSON.stringify(error)
  }

  /** Holds the copy against the first storage, and copies what is missing, manifests last. What is missed while it looks leaves it behind. */
  async mend(first: StorageAdapter, { upToBytes, deleteExtra, compareKeys = false, signal }: MendOptions): Promise<CatchUpReport> {
    const missedBefore = this.missed
    const missing: ObjectStat[] = []
    const extra: string[] = []
    let differing = 0
    let bytes = 0
    let foreign: string | null = null
    for await (const difference of compareListings(first, this.storage, '', { signal })) {
      if (difference.kind === 'missing') {
        missing.push(difference.source)
        bytes += difference.source.bytes
      } else if (difference.kind === 'extra') extra.push(difference.key)
      else {
        const { key } = difference.source
        const identifies = isWrappedKey(key) || isRepositoryFile(key)
        const differs =
          difference.kind === 'differs' || ((isRepositoryFile(key) || (compareKeys && identifies)) && !(await holdsSame(first, this.storage, key, { signal })))
        if (!differs) continue
        differing++
        if (identifies) foreign = key
      }
    }
    const report = { name: this.storage.name, copied: 0, copiedBytes: 0, differing, extra: extra.length }
    // Nothing goes into another repository, and nothing of it is deleted.
    const within = foreign === null && bytes <= upToBytes
    if (within) {
      await copyInOrder(first, this.storage, missing, { signal }, (_, size) => {
        report.copied++
        report.copiedBytes += size
      })
      if (deleteExtra) await deleteInOrder(this.storage, extra, { signal })
    }
    // A snapshot that is gone from the first storage: what it refers to may go from there too, and would be deleted here under it.
    this.#ahead = !deleteExtra && extra.some(isCommitPoint)
    this.#lookedAt = Date.now()
    if (foreign !== null) this.lastError = `it holds another ${foreign} than ${first.name}`
    if (within && !this.#ahead && foreign === null && this.missed === missedBefore) {
      this.state = 'level'
      this.missed = 0
    } else this.state = 'behind'
    return { ...report, state: this.state }
  }

  /** Does it have snapshots that the first storage has not? What those refer to may be replaced or deleted in the first, and must not be here. Looked at once a minute. */
  async isAhead(first: StorageAdapter, options: AbortableOptions): Promise<boolean> {
    if (Date.now() - this.#lookedAt < LOOK_MS) return this.#ahead
    this.#ahead = await this.#hasMore(first, options)
    this.#lookedAt = Date.now()
    return this.#ahead
  }

  async #hasMore(first: StorageAdapter, options: AbortableOptions): Promise<boolean> {
    for await (const difference of compareListings(first, this.storage, '', options)) {
      if (difference.kind !== 'extra' || !isCommitPoint(difference.key)) continue
      // One that was committed, or deleted, between the two listings is none.
      if ((await this.storage.stat(difference.key, options)) && !(await first.stat(difference.key, options))) return true
    }
    return false
  }

  /**
   * Stores what the first storage has acknowledged. Other bytes are replaced where they mean the same, a chunk that was stored anew since it was deleted elsewhere, and nothing here needs them.
   *
   * @throws `E_STORAGE` where something else stands under the name: what only this copy has must not be lost
   */
  async follow(
    key: string,
    body: Uint8Array | readonly Uint8Array[],
    {
      first,
      ifAbsent,
      signal,
      sha256,
    }: AbortableOptions & { readonly first: StorageAdapter; readonly ifAbsent: boolean; readonly sha256?: string | undefined },
  ): Promise<void> {
    const put = (createOnly: boolean) => this.storage.put(key, body, { ifAbsent: createOnly, signal, ...(sha256 === undefined ? {} : { sha256 }) })
    if (!ifAbsent) return put(false)
    if (!this.storage.capabilities.conditionalPut) {
      if (!(await this.storage.stat(key, { signal }))) return put(false)
    } else if (await isDone(put(true))) return
    const there = await this.storage.get(key, { signal })
    if (Buffer.compare(there, Buffer.concat(body instanceof Uint8Array ? [body] : body)) === 0) return
    if (isChunkObject(key) && !(await this.isAhead(first, { signal }))) return put(false)
    throw new HoldfastError('E_STORAGE', `${this.storage.name} holds another ${key} than ${first.name}, and it is not replaced`, {
      hint: `Look at which of the two is right: one has lost something, or is of another repository. What only ${this.storage.name} has can be copied from there by migrateStorage.`,
      details: { key, transient: false },
    })
  }
}

/** False when the name is taken. */
async function isDone(put: Promise<void>): Promise<boolean> {
  try {
    await put
    return true
  } catch (error) {
    if (isHoldfastError(error, 'E_STORAGE_EXISTS')) return false
    throw error
  }
}

/** Snapshots first: what is deleted halfway shows none that lacks something. */
async function deleteInOrder(storage: StorageAdapter, keys: readonly string[], options: AbortableOptions): Promise<void> {
  for (const some of [keys.filter(isCommitPoint), keys.filter((key) => !isCommitPoint(key))]) if (some.length > 0) await storage.delete(some, options)
}
