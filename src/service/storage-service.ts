import type { PlaceFacts, StorageAdapter } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { belowPrefix } from '../storage/below-prefix.ts'
import { checkStorage, type ConformanceResult } from '../storage/conformance/index.ts'
import { type MigrateProgress, type MigrateReport, migrateStorage } from '../storage/migrate-storage.ts'
import type { BucketRepositories } from './bucket-repositories.ts'

export interface StorageCheckOptions extends AbortableOptions {
  /** Default: all buckets, one after the other. */
  readonly bucket?: string
  /** Objects that are stored for the check of listings: more than a page of the storage's listing has. Default 1050. */
  readonly pageObjects?: number
  /** Told each result as it is known. */
  readonly onResult?: (result: ConformanceResult, bucket: string) => void
}

/** What a check of one bucket found. */
export interface StorageCheck {
  readonly bucket: string
  /** The storage's name: `s3:backups/shop`. */
  readonly storage: string
  readonly results: readonly ConformanceResult[]
  /** What the place is like; null where its adapter cannot tell. */
  readonly place: PlaceFacts | null
  /** What still fits; null where the storage does not tell. */
  readonly freeBytes: number | null
  /** Every promise was kept. */
  readonly ok: boolean
}

export interface StorageMigrateOptions extends AbortableOptions {
  /** The buckets of the configuration. */
  readonly from: string
  readonly to: string
  /** `copied` (default) reads back what this call copies, `all` also compares what was there already, byte by byte. */
  readonly check?: 'copied' | 'all'
  /** Told after each object. */
  readonly onProgress?: (progress: MigrateProgress) => void
}

/** The places that backups go to. */
export interface IStorageService {
  /**
   * Whether the storages keep what their adapters promise: the cases of `holdfast/conformance`, in folders with names of their own beside the backups, each emptied and removed afterwards.
   * Some thousand small requests a bucket. Run it before a provider is trusted with backups, and after a change of its server. An object `holdfast-probe` stays.
   *
   * @throws `E_STORAGE_UNKNOWN`; what a first look at the storage fails with: `E_CONFIG`, `E_PERMISSION`, `E_STORAGE`
   */
  check(options?: StorageCheckOptions): Promise<readonly StorageCheck[]>
  /**
   * Copies the repository of one bucket into another, which holds none or a part of the same: create-only, each object read back and compared by hash, manifests last. Nothing is
   * changed in the first. What was ended goes on where it was when it is called again. Run it while no backup and no prune runs, then configure the new
   * place under the name of the old one: snapshots know their bucket by its name.
   *
   * @throws `E_CONFIG`, `E_STORAGE_UNKNOWN`, `E_STORAGE_EXISTS` when something else stands there under a name, `E_CAPABILITY`, and what the storages throw
   */
  migrate(options: StorageMigrateOptions): Promise<MigrateReport>
}

const OPTIONS: readonly (keyof StorageCheckOptions)[] = ['bucket', 'pageObjects', 'onResult', 'signal']
const MIGRATE_OPTIONS: readonly (keyof StorageMigrateOptions)[] = ['from', 'to', 'check', 'onProgress', 'signal']

export function createStorageService(repositories: BucketRepositories): IStorageService {
  return {
    async check(options = {}) {
      assertKnownOptions(options, OPTIONS, '`check`')
      const { bucket: only, pageObjects, onResult, signal } = options
      const checks: StorageCheck[] = []
      for (const bucket of only === undefined ? repositories.names : [only]) {
        const { storage, prefix = '' } = repositories.bucket(bucket)
        await storage.stat(`${prefix}holdfast-check`, { signal }) // what cannot be reached at all is no broken promise
        const results = await checkStorage({
          open: () => keptOpen(storage),
          prefix,
          signal,
          ...(pageObjects === undefined ? {} : { pageObjects }),
          ...(onResult === undefined ? {} : { onResult: (result) => onResult(result, bucket) }),
        })
        const place = (await storage.place?.({ signal })) ?? null
        const freeBytes = (await storage.quota?.({ signal }))?.freeBytes ?? null
        checks.push({ bucket, storage: storage.name, results, place, freeBytes, ok: results.every(({ ok }) => ok) })
      }
      return checks
    },
    async migrate(options) {
      assertKnownOptions(options, MIGRATE_OPTIONS, '`migrate`')
      const { from, to, ...rest } = options
      if (from === to) throw new HoldfastError('E_CONFIG', `\`migrate\`: \`from\` and \`to\` are both "${from}"`)
      const [source, target] = [repositories.bucket(from), repositories.bucket(to)]
      return migrateStorage({ ...rest, from: belowPrefix(source.storage, source.prefix ?? ''), to: belowPrefix(target.storage, target.prefix ?? '') })
    },
  }
}

/** Each case closes what it opened; this one is the application's. */
function keptOpen(storage: StorageAdapter): StorageAdapter {
  return new Proxy(storage, {
    get(target, name) {
      if (name === 'close') return async () => {}
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
