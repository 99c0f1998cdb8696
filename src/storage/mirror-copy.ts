import type { ObjectStat, StorageAdapter } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { compareListings, copyInOrder, isCommitPoint } from './copy-objects.ts'

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
  /** Objects of the same name in another size: left alone. */
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
}

/** One destination of a mirror, and how it stands to the first. */
export class MirrorCopy {
  readonly storage: StorageAdapter
  readonly required: boolean
  state: CopyState
  missed = 0
  lastError: string | null = null
  readElsewhere = 0

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
  async mend(first: StorageAdapter, { upToBytes, deleteExtra, signal }: MendOptions): Promise<CatchUpReport> {
    const missedBefore = this.missed
    const missing: ObjectStat[] = []
    const extra: string[] = []
    let differing = 0
    let bytes = 0
    for await (const difference of compareListings(first, this.storage, '', { signal })) {
      if (difference.kind === 'missing') {
        missing.push(difference.source)
        bytes += difference.source.bytes
      } else if (difference.kind === 'extra') extra.push(difference.key)
      else if (difference.kind === 'differs') differing++
    }
    const report = { name: this.storage.name, copied: 0, copiedBytes: 0, differing, extra: extra.length }
    const within = bytes <= upToBytes
    if (within) {
      await copyInOrder(first, this.storage, missing, { signal }, (_, size) => {
        report.copied++
        report.copiedBytes += size
      })
      if (deleteExtra) await deleteInOrder(this.storage, extra, { signal })
    }
    // A snapshot that is gone from the first storage: what it refers to may go from there too, and would be deleted here under it.
    const stale = !deleteExtra && extra.some(isCommitPoint)
    if (within && !stale && this.missed === missedBefore) {
      this.state = 'level'
      this.missed = 0
    } else this.state = 'behind'
    return { ...report, state: this.state }
  }

  /** Stores what the first storage has acknowledged. */
  async follow(key: string, body: Uint8Array | readonly Uint8Array[], options: AbortableOptions & { readonly sha256?: string | undefined }): Promise<void> {
    const { signal, sha256 } = options
    const put = (ifAbsent: boolean) => this.storage.put(key, body, { ifAbsent, signal, ...(sha256 === undefined ? {} : { sha256 }) })
    if (!this.storage.capabilities.conditionalPut) return put(false)
    try {
      await put(true)
    } catch (error) {
      if (!isHoldfastError(error, 'E_STORAGE_EXISTS')) throw error
      const there = await this.storage.get(key, { signal })
      if (Buffer.compare(there, Buffer.concat(body instanceof Uint8Array ? [body] : body)) !== 0) await put(false)
    }
  }
}

/** Snapshots first: what is deleted halfway shows none that lacks something. */
async function deleteInOrder(storage: StorageAdapter, keys: readonly string[], options: AbortableOptions): Promise<void> {
  for (const some of [keys.filter(isCommitPoint), keys.filter((key) => !isCommitPoint(key))]) if (some.length > 0) await storage.delete(some, options)
}
