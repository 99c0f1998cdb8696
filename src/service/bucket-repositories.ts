import { type EncryptionOptions, openRepository, type Repository } from '../archive/index.ts'
import type { StorageAdapter } from '../contracts/storage-adapter.ts'
import { type AbortableOptions, onAbort, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'

/** A named storage location inside a plan. */
export interface Bucket {
  readonly storage: StorageAdapter
  /** Put before every object name: empty, or segments that end with a slash. Default empty. */
  readonly prefix?: string
  /** Encrypts everything in it. Default: what `createHoldfast` was given for all buckets, else nothing. */
  readonly encryption?: EncryptionOptions
}

/** A repository found in a bucket. */
export interface BucketRepository {
  readonly bucket: string
  readonly repository: Repository
}

/** One opening of a bucket that any number of callers wait for. */
interface Opening {
  /** It makes the repository where there is none. One that only looks does not serve a caller who needs it made. */
  makes: boolean
  readonly repository: Promise<Repository>
  readonly abort: AbortController
  waiting: number
  done: boolean
}

/** Opens the repository of each bucket once. A failed open is forgotten, so that the next call tries again. */
export class BucketRepositories {
  readonly #buckets: ReadonlyMap<string, Bucket>
  readonly #openings = new Map<string, Opening>()

  constructor(buckets: ReadonlyMap<string, Bucket>) {
    this.#buckets = buckets
  }

  get names(): readonly string[] {
    return [...this.#buckets.keys()]
  }

  /** @throws `E_STORAGE_UNKNOWN` */
  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name)
    if (bucket) return bucket
    throw new HoldfastError('E_STORAGE_UNKNOWN', `no bucket "${name}" is configured; there are ${this.names.map((known) => `"${known}"`).join(', ')}`)
  }

  /** Opens the repository, or makes it. @throws `E_STORAGE_UNKNOWN`, `E_CAPABILITY`, `E_ARCHIVE_FORMAT`, `E_STORAGE` */
  openOrCreate(name: string, options: AbortableOptions = {}): Promise<Repository> {
    return this.#join(name, true, options)
  }

  /** Opens the repository; null when the bucket holds none yet. */
  async open(name: string, options: AbortableOptions = {}): Promise<Repository | null> {
    try {
      return await this.#join(name, false, options)
    } catch (error) {
      if (isHoldfastError(error, 'E_ARCHIVE_MISSING')) return null
      throw error
    }
  }

  /** @throws `E_ARCHIVE_MISSING` when the bucket holds no repository. */
  async existing(name: string, options: AbortableOptions = {}): Promise<Repository> {
    const repository = await this.open(name, options)
    if (!repository) throw new HoldfastError('E_ARCHIVE_MISSING', `bucket "${name}" holds no repository`)
    return repository
  }

  /** The repositories that exist, in the order of the buckets. */
  async *all(options: AbortableOptions = {}): AsyncIterable<BucketRepository> {
    for (const bucket of this.names) {
      const repository = await this.open(bucket, options)
      if (repository) yield { bucket, repository }
    }
  }

  /**
   * The first thing that `look` finds in any of them; null when none has it. A bucket that fails hides nothing that another one holds: its error is
   * thrown only when the thing is nowhere else.
   */
  async find<T>(look: (place: BucketRepository) => Promise<T | null>, options: AbortableOptions = {}): Promise<T | null> {
    const failures: unknown[] = []
    for (const bucket of this.names) {
      throwIfAborted(options.signal)
      try {
        const repository = await this.open(bucket, options)
        const found = repository && (await look({ bucket, repository }))
        if (found) return found
      } catch (error) {
        failures.push(error)
      }
    }
    throwIfAborted(options.signal)
    if (failures.length > 0) throw failures[0]
    return null
  }

  /** Closes every storage, also when one of them fails; then throws the first failure. */
  async close(): Promise<void> {
    const storages = new Set([...this.#buckets.values()].map(({ storage }) => storage))
    const outcomes = await Promise.allSettled([...storages].map((storage) => storage.close()))
    const failure = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failure) throw failure.reason
  }

  /** Waits for the opening under way, or begins one. The signal ends the caller's wait; the opening itself only when nobody waits any more. */
  async #join(name: string, makes: boolean, { signal }: AbortableOptions): Promise<Repository> {
    throwIfAborted(signal)
    const known = this.#openings.get(name)
    const opening = known && (known.makes || !makes) ? known : this.#begin(name, makes)
    opening.waiting++
    let stopListening = () => {}
    const aborted = new Promise<never>((_, reject) => {
      stopListening = onAbort(signal, reject)
    })
    try {
      return await Promise.race([opening.repository, aborted])
    } finally {
      stopListening()
      if (--opening.waiting === 0) this.#giveUp(name, opening)
    }
  }

  #giveUp(name: string, opening: Opening): void {
    if (opening.done) return
    if (this.#openings.get(name) === opening) this.#openings.delete(name)
    opening.abort.abort()
  }

  #begin(name: string, makes: boolean): Opening {
    const abort = new AbortController()
    const opening: Opening = { makes, repository: this.#openBucket(name, makes, abort.signal), abort, waiting: 0, done: false }
    this.#openings.set(name, opening)
    opening.repository.then(
      () => {
        opening.done = opening.makes = true // it is there now
      },
      () => {
        if (this.#openings.get(name) === opening) this.#openings.delete(name)
      },
    )
    return opening
  }

  async #openBucket(name: string, create: boolean, signal: AbortSignal): Promise<Repository> {
    const bucket = this.bucket(name)
    return openRepository({ storage: bucket.storage, prefix: bucket.prefix ?? '', encryption: bucket.encryption, create, signal })
  }
}
