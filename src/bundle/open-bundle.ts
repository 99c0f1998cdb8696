import { corrupt, keyHolders, type KeyWrap, type Manifest, openRepository, type Repository, type RepositoryScope } from '../archive/index.ts'
import type { KeyProvider } from '../contracts/key-provider.ts'
import type { StorageAdapter } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'

/** Who can open the bundle; null when it is plain. */
export type BundleHolders = readonly Omit<KeyWrap, 'wrapped'>[] | null

/** The one snapshot of a bundle. */
export interface OpenedBundle {
  readonly repository: Repository
  readonly scope: RepositoryScope
  readonly manifest: Manifest
}

export interface OpenBundleOptions extends AbortableOptions {
  readonly holders: BundleHolders
  /** Empty: none. */
  readonly identities: readonly KeyProvider[]
}

export const holdersOf = (storage: StorageAdapter, options: AbortableOptions): Promise<BundleHolders> => keyHolders(storage, '', options)

/**
 * Opens what is in a bundle and reads its manifest.
 *
 * @throws `E_KEY_MISSING` and `E_KEY_WRONG` when the identities do not open it, `E_CONFIG` when it is plain and identities are given, `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_MISSING`, `E_ARCHIVE_FORMAT`
 */
export async function openBundle(storage: StorageAdapter, { holders, identities, signal }: OpenBundleOptions): Promise<OpenedBundle> {
  if (holders === null && identities.length > 0)
    throw new HoldfastError('E_CONFIG', `${storage.name} is not encrypted, and identities are given to open it`, {
      hint: 'It is not the bundle that was sealed for you. If you trust it all the same, leave the identities out.',
    })
  if (holders !== null && !identities.some(({ opens, kind, reference }) => opens && holders.some((one) => one.kind === kind && one.reference === reference))) {
    const names = holders.map(({ kind, reference }) => `${kind} ${reference}`)
    const mine = identities.map(({ kind, reference }) => `${kind} ${reference}`)
    throw new HoldfastError(
      'E_KEY_MISSING',
      `${storage.name} is sealed for ${names.join(', ')}; ${mine.length === 0 ? 'no identity is given' : `given: ${mine.join(', ')}`}`,
      {
        hint: 'Give the identity that it is sealed for: `identities: [recipient({ privateKey })]`, or `--identity <file>`; or have it exported for yours.',
        details: { openedBy: names },
      },
    )
  }
  const repository = await openRepository({ storage, signal, ...(holders === null ? {} : { encryption: { providers: identities } }) })
  const ids: (string | null)[] = [null]
  for await (const id of repository.scopes.list({ signal })) ids.push(id)
  const found: Omit<OpenedBundle, 'repository'>[] = []
  for (const id of ids) {
    const scope = repository.scope(id)
    for await (const snapshot of scope.listSnapshots({ signal })) {
      if (found.length > 0) throw corrupt(storage.name, 'holds more than one snapshot')
      found.push({ scope, manifest: await scope.readManifest(snapshot.id, { signal }) })
    }
  }
  const [only] = found
  if (!only) throw corrupt(storage.name, 'holds no snapshot')
  return { repository, ...only }
}
