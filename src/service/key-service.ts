import { assertNotHeld, type KeyRecord, type KeyRing, type Repository, type RepositoryScope } from '../archive/index.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import { assertScopeValue } from '../contracts/scope-value.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import type { BucketRepositories } from './bucket-repositories.ts'

/** A key of an encrypted repository, without anything secret. */
export interface KeySummary extends Pick<KeyRecord, 'purpose' | 'scope' | 'epoch' | 'keyId' | 'createdAt'> {
  /** The tenant whose data it seals, by name; null for what belongs to none, and where no snapshot that can be read tells (its `scope` does not). */
  readonly tenant: string | null
  /** Who can open it: kind and reference of each provider. */
  readonly openedBy: readonly { readonly kind: string; readonly reference: string }[]
  /** What is written now is sealed with it. */
  readonly current: boolean
}

export interface KeyOptions extends AbortableOptions {
  /** Default: the only bucket there is. */
  readonly bucket?: string
}

export interface KeyListOptions extends KeyOptions {
  /** Look for the names of tenants, in a snapshot of each. Default true. */
  readonly tenants?: boolean
}

/** The keys of encrypted repositories. */
export interface IKeyService {
  /** @throws `E_CONFIG` for a bucket that is not encrypted, `E_STORAGE_UNKNOWN`, `E_ARCHIVE_MISSING` */
  list(options?: KeyListOptions): Promise<readonly KeySummary[]>
  /**
   * Wraps all keys for the providers that are configured now and removes the wraps there were: so a key file or passphrase is changed, a recipient added or removed. To
   * change one, configure the old and the new, wrap anew, then configure the new alone and wrap anew again. No backup is rewritten; who kept a copy of the
   * keys themselves still has them, which `renew` helps against. Two passphrases need a name each, `passphrase(text, { name })`: one that does not open what was wrapped under its name is
   * refused, before anything is written. Returns the ids of the keys.
   *
   * @throws `E_KEY_WRONG`, naming the provider; `E_KEY_MISSING`, `E_KEY_UNAVAILABLE`
   */
  rewrap(options?: KeyOptions): Promise<readonly string[]>
  /**
   * A new data key for what is written from now on. What is there stays sealed with the old ones, which are kept; chunks that a later backup uses again are sealed anew once they are more
   * renewals behind than `encryption.resealAfter` allows. Returns its id.
   *
   * @throws `E_KEY_WRONG` when a configured provider does not open what was wrapped under its name; nothing is written then
   */
  renew(options?: KeyOptions & ScopeOption): Promise<string>
  /**
   * Destroys the keys of a tenant's data in all encrypted buckets: nothing of the tenant can ever be read again, whoever has copies of the storage (but not of the keys), and no
   * backup of it can be taken any more. Others are not touched. There is no way back. A process that has the keys in memory forgets them within a minute of use. Versions of objects that
   * the storage itself keeps must be deleted there. Returns how many key objects were deleted.
   *
   * @throws `E_CONFIG` when no bucket is encrypted, `E_SCOPE` when there is nothing of that tenant in any of them, `E_SNAPSHOT_HELD` when one of its snapshots is held, `E_PERMISSION`, `E_STORAGE`
   */
  shred(options: AbortableOptions & { readonly scope: string }): Promise<number>
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
  /** Of the repository, of plans without tenants, and of every tenant that is not destroyed. */
  async function ringsOf(repository: Repository, call: AbortableOptions): Promise<readonly KeyRing[]> {
    const rings = [repository.keys!, repository.scope().keys!]
    for await (const id of repository.scopes.list(call)) {
      const ring = repository.scope(id).keys!
      const destroyed = await ring.records(call).then(
        () => false,
        (error: unknown) => isHoldfastError(error, 'E_KEY_SHREDDED') || Promise.reject(error),
      )
      if (!destroyed) rings.push(ring)
    }
    return rings
  }

  return {
    async list(options = {}) {
      const { signal, tenants: named = true, ...place } = options
      const repository = await opened({ ...place, signal })
      const lists = await Promise.all((await ringsOf(repository, { signal })).map((ring) => ring.records({ signal })))
      const tenants = new Map<string, string | null>()
      for (const { scope } of lists.flat())
        if (named && scope !== null && !tenants.has(scope)) tenants.set(scope, await tenantIn(repository.scope(scope), { signal }))
      return lists.flatMap((records) =>
        records.map(({ purpose, scope, epoch, keyId, createdAt, wraps }, at) => ({
          purpose,
          scope,
          tenant: scope === null ? null : (tenants.get(scope) ?? null),
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
      const rings = await ringsOf(await opened(options), { signal })
      // All first: a provider that is refused at the last ring must not have wrapped the others.
      for (const ring of rings) await ring.assertProviders({ signal })
      const ids: string[] = []
      for (const ring of rings) ids.push(...(await ring.rewrap({ signal })))
      return ids
    },
    async renew(options = {}) {
      const { scope, signal, ...rest } = options
      const repository = await opened({ ...rest, signal })
      return (await repository.scopeOf(scope).keys!.renew({ signal })).id
    },
    async shred(options) {
      assertKnownOptions(options, ['scope', 'signal'], '`keys.shred`')
      const { scope, signal } = options
      assertScopeValue(scope)
      const encrypted: Repository[] = []
      for await (const { repository } of repositories.all({ signal })) if (repository.keys) encrypted.push(repository)
      if (encrypted.length === 0)
        throw new HoldfastError('E_CONFIG', 'no bucket is encrypted, so there is no key to destroy', { hint: 'Delete the snapshots and prune.' })
      // Each repository gives the tenant an id of its own, under which a plan may have stored in the others as well.
      const ids = new Set(encrypted.map((repository) => repository.scopeOf(scope).id))
      for (const repository of encrypted) {
        for await (const id of repository.scopes.list({ signal })) {
          if (!ids.has(id)) continue
          for await (const { snapshotId } of repository.scope(id).holds.names({ signal })) await assertNotHeld(repository.scope(id), snapshotId, { signal })
        }
      }
      let found = false
      let deleted = 0
      for (const repository of encrypted) {
        for await (const id of repository.scopes.list({ signal })) {
          if (!ids.has(id)) continue
          found = true
          deleted += await repository.scope(id).keys!.destroy({ signal })
        }
      }
      if (!found) throw new HoldfastError('E_SCOPE', 'there is nothing of this tenant in any encrypted bucket')
      return deleted
    },
  }
}

/** The name that the newest snapshot gives; its id is a hash, from which nobody gets back. */
async function tenantIn(scope: RepositoryScope, options: AbortableOptions): Promise<string | null> {
  const ids: string[] = []
  for await (const { id } of scope.listSnapshots(options)) ids.push(id)
  for (const id of ids.toReversed()) {
    try {
      return (await scope.readManifest(id, options)).tenant ?? null
    } catch (error) {
      throwIfAborted(options.signal)
      if (!isHoldfastError(error)) throw error
    }
  }
  return null
}
