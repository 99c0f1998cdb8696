import type { KeyRecord, Repository } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import type { BucketRepositories } from './bucket-repositories.ts'

/** A key of an encrypted repository, without anything secret. */
export interface KeySummary extends Pick<KeyRecord, 'purpose' | 'scope' | 'epoch' | 'keyId' | 'createdAt'> {
  /** Who can open it: kind and reference of each provider. */
  readonly openedBy: readonly { readonly kind: string; readonly reference: string }[]
  /** What is written now is sealed with it. */
  readonly current: boolean
}

export interface KeyOptions extends AbortableOptions {
  /** Default: the only bucket there is. */
  readonly bucket?: string
}

/** The keys of encrypted repositories. */
export interface IKeyService {
  /** @throws `E_CONFIG` for a bucket that is not encrypted, `E_STORAGE_UNKNOWN`, `E_ARCHIVE_MISSING` */
  list(options?: KeyOptions): Promise<readonly KeySummary[]>
  /**
   * Wraps all keys for the providers that are configured now and removes the wraps there were: so a key file or passphrase is changed, a recipient added or removed. To
   * change one, configure the old and the new, wrap anew, then configure the new alone and wrap anew again. No backup is rewritten; who kept a copy of the
   * keys themselves still has them, which `renew` helps against. Returns the ids of the keys.
   */
  rewrap(options?: KeyOptions): Promise<readonly string[]>
  /** A new data key for what is written from now on. What is there stays sealed with the old ones, which are kept. Returns its id. */
  renew(options?: KeyOptions): Promise<string>
}

const OPTIONS = ['bucket', 'signal']

export function createKeyService(repositories: BucketRepositories): IKeyService {
  async function opened(options: KeyOptions): Promise<Repository> {
    assertKnownOptions(options, OPTIONS, '`keys`')
    const { bucket, signal } = options
    const [only, ...others] = repositories.names
    if (bucket === undefined && others.length > 0)
      throw new HoldfastError('E_CONFIG', `there are the buckets ${repositories.names.join(', ')}`, { hint: 'Say which: `bucket`.' })
    const repository = await repositories.existing(bucket ?? only!, { signal })
    if (!repository.keys) throw new HoldfastError('E_CONFIG', `the bucket "${bucket ?? only}" is not encrypted`)
    return repository
  }
  const ringsOf = (repository: Repository) => [repository.keys!, repository.scope().keys!]

  return {
    async list(options = {}) {
      const { signal } = options
      const lists = await Promise.all(ringsOf(await opened(options)).map((ring) => ring.records({ signal })))
      return lists.flatMap((records) =>
        records.map(({ purpose, scope, epoch, keyId, createdAt, wraps }, at) => ({
          purpose,
          scope,
          epoch,
          keyId,
          createdAt,
          openedBy: wraps.map(({ kind, reference }) => ({ kind, reference })),
          current: at === records.length - 1,
        })),
      )
    },
    async rewrap(options = {}) {
      const { signal } = options
      const ids: string[] = []
      for (const ring of ringsOf(await opened(options))) ids.push(...(await ring.rewrap({ signal })))
      return ids
    },
    async renew(options = {}) {
      const { signal } = options
      const repository = await opened(options)
      return (await repository.scope().keys!.renew({ signal })).id
    },
  }
}
