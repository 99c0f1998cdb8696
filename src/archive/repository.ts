import { requireCapabilities } from '../contracts/capability-requirement.ts'
import { assertObjectPrefix } from '../contracts/object-key.ts'
import { assertScopeValue } from '../contracts/scope-value.ts'
import type { StorageAdapter } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { derive } from '../crypto/index.ts'
import { type ChunkStore, createChunkStore } from './chunk-store.ts'
import { type CondemnedLog, createCondemnedLog, createCondemnedNames } from './condemned-log.ts'
import { signToken, type TokenPointer, verifyToken } from './continuation-token.ts'
import { assertEncryption, type EncryptionOptions, resealAfter } from './encryption.ts'
import { createKeyRing, type KeyRing, type KeyRingOptions } from './key-ring.ts'
import { REPOSITORY_FILE, REPOSITORY_KEYS, type ScopeNames, scopeNames } from './object-names.ts'
import { createObjectSpace, type ObjectSpace } from './object-space.ts'
import { type AuditLog, createAuditLog } from './audit-log.ts'
import { createHoldLog, type HoldLog } from './hold-log.ts'
import { createPinLog, type PinLog } from './pin-log.ts'
import { createReferrerLog, type ReferrerLog } from './referrer-log.ts'
import { createErasureLog, type ErasureLog } from './erasure-log.ts'
import { isEncrypted, openRepositoryFile, type RepositoryFile } from './repository-file.ts'
import { createRestoreLog, type RestoreLog } from './restore-log.ts'
import { scopeIdOf } from './scope-id.ts'
import { createScopeRegister, type ScopeRegister } from './scope-register.ts'
import { createSealedSpace } from './sealed-space.ts'
import { createSessionLog, type SessionLog } from './session-log.ts'
import { createSnapshotLog, type SnapshotLog } from './snapshot-log.ts'

export interface OpenRepositoryOptions extends AbortableOptions {
  readonly storage: StorageAdapter
  /** Put before every object name; empty, or segments that end with a slash. Default empty. */
  readonly prefix?: string
  /** Make the repository when there is none. Default false: `E_ARCHIVE_MISSING`. */
  readonly create?: boolean
  /** Required to open an encrypted repository; one that is made is encrypted when it is given. */
  readonly encryption?: EncryptionOptions | undefined
  /** The repository is new, and written for others: providers that open nothing, recipients alone, will do. Default false. */
  readonly sealOnly?: boolean
}

/** One storage prefix that holds snapshots, chunks and sessions. */
export interface Repository {
  /** UUID v7, made with the repository. */
  readonly id: string
  /** ISO 8601 UTC, by the clock of the host that made it. */
  readonly createdAt: string
  readonly storage: StorageAdapter
  readonly prefix: string
  /** The sub-repository of a tenant; without an id, that of plans without tenants. */
  scope(id?: string | null): RepositoryScope
  /** That of the tenant of this name; without a name, that of plans without tenants. Asks the storage nothing. @throws `E_SCOPE` for what can be no tenant */
  scopeOf(tenant?: string | null): RepositoryScope
  readonly scopes: ScopeRegister
  /** The opaque text that `pause()` hands out. */
  signToken(pointer: Omit<TokenPointer, 'v' | 'repositoryId'>): string
  /** `E_TOKEN_INVALID` for anything that `signToken` of this repository did not make. */
  verifyToken(token: string): TokenPointer
  /** The key of the repository itself, from which its token secret comes and which vouches for the keys of scopes; null when it is not encrypted. */
  readonly keys: KeyRing | null
}

/** What belongs to one scope: its chunks, snapshots, sessions and restores. */
export interface RepositoryScope extends SnapshotLog {
  readonly id: string | null
  readonly chunks: ChunkStore
  readonly sessions: SessionLog
  readonly restores: RestoreLog
  /** What prunes tell writers and later prunes. */
  readonly condemned: CondemnedLog
  readonly pins: PinLog
  readonly holds: HoldLog
  readonly audit: AuditLog
  readonly erasures: ErasureLog
  readonly referrers: ReferrerLog
  /** The keys of the scope's data; null when the repository is not encrypted. */
  readonly keys: KeyRing | null
  /** For prune, which sees objects, not records. */
  readonly objects: ScopeObjects
  /** The chunks for one backup: what prune has condemned is neither adopted nor referred to. Reads the condemned lists at its first `put`, and before each `assertPresent`. */
  writerChunks(): ChunkStore
}

/** The bare objects of a scope, by their names below the repository's prefix. */
export interface ScopeObjects extends Pick<ObjectSpace, 'label' | 'list' | 'delete'> {
  readonly names: ScopeNames
}

const SCOPE_ID = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,127}$/

/**
 * Opens a repository, or makes it. `E_CAPABILITY` when the storage cannot hold one (`conditionalPut`, `strongList`), `E_ARCHIVE_MISSING`,
 * `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_FORMAT` when it needs a newer Holdfast; `E_KEY_MISSING`, `E_KEY_WRONG`, `E_KEY_UNAVAILABLE` when it is encrypted, `E_CONFIG` when
 * keys are given for one that is not.
 */
export async function openRepository(options: OpenRepositoryOptions): Promise<Repository> {
  const { storage, prefix = '', create = false, encryption, sealOnly = false, signal } = options
  if (encryption) assertEncryption(encryption, sealOnly)
  requireCapabilities(
    storage,
    'a repository',
    ['conditionalPut', 'strongList'],
    'Choose a storage that creates objects conditionally and lists them consistently: a local file system, or S3.',
  )
  assertObjectPrefix(prefix, storage.capabilities)
  if (prefix !== '' && !prefix.endsWith('/')) throw new HoldfastError('E_CONFIG', `prefix ${JSON.stringify(prefix)} must end with a slash`)
  const file = await openRepositoryFile(storage, prefix, create ? { encrypted: encryption !== undefined } : null, { signal })
  const space = createObjectSpace(storage, prefix, file.repositoryId)
  const ringOf = encryptedBy(file, encryption, space, sealOnly)
  const keys = ringOf?.({ folder: REPOSITORY_KEYS, purpose: 'repository', scope: null, root: null }) ?? null
  const root = (await keys?.current({ create, signal })) ?? null
  const idOf = (tenant: string) => scopeIdOf(root ? root.secret : Buffer.from(file.tokenSecret ?? '', 'base64'), tenant)
  const ledgerKey = derive(root ? root.secret : Buffer.from(file.tokenSecret ?? '', 'base64'), '', 'erasure')
  const scope = (id: string | null = null) =>
    createScope(space, id, ledgerKey, idOf, (folder) => {
      const ring = ringOf?.({ folder, purpose: 'data', scope: id, root: keys && root ? { key: root, ring: keys } : null })
      return ring && encryption ? { ring, resealAfter: resealAfter(encryption) } : null
    })
  const secret = root ? derive(root.secret, '', 'token') : Buffer.from(file.tokenSecret ?? '', 'base64')
  return {
    id: file.repositoryId,
    createdAt: file.createdAt,
    storage,
    prefix,
    scope,
    scopeOf(tenant = null) {
      if (tenant === null) return scope()
      assertScopeValue(tenant)
      return scope(idOf(tenant))
    },
    scopes: createScopeRegister(space, keys),
    keys,
    signToken: (pointer) => signToken({ ...pointer, v: 1, repositoryId: file.repositoryId }, secret),
    verifyToken: (token) => verifyToken(token, secret, file.repositoryId),
  }
}

type RingOf = (options: Omit<KeyRingOptions, 'space' | 'providers' | 'sealOnly'>) => KeyRing

/** Null for a plain repository. Whether it is encrypted and whether keys are given must agree: else data would be written in clear, or be taken for damaged. */
function encryptedBy(file: RepositoryFile, encryption: EncryptionOptions | undefined, space: ObjectSpace, sealOnly: boolean): RingOf | null {
  const label = space.label(REPOSITORY_FILE)
  if (isEncrypted(file) && !encryption)
    throw new HoldfastError('E_KEY_MISSING', `${label} says that the repository is encrypted, and no key provider is configured`)
  if (!isEncrypted(file) && encryption) {
    throw new HoldfastError('E_CONFIG', `the repository of ${label} is not encrypted`, {
      hint: 'Encryption begins with a repository: choose a new location or prefix, and take a full backup there.',
    })
  }
  return encryption ? (options) => createKeyRing({ ...options, space, providers: encryption.providers, sealOnly }) : null
}

function createScope(
  base: ObjectSpace,
  id: string | null,
  ledgerKey: Uint8Array,
  idOf: (tenant: string) => string,
  sealedBy: (folder: string) => { readonly ring: KeyRing; readonly resealAfter: number } | null,
): RepositoryScope {
  if (id !== null && !SCOPE_ID.test(id))
    throw new HoldfastError('E_CONFIG', `scope id ${JSON.stringify(id.slice(0, 140))} must be 1 to 128 letters, digits, "-" or "_", not "-" first`)
  const names = scopeNames(id)
  const sealing = sealedBy(names.keys())
  const keys = sealing?.ring ?? null
  const space = sealing ? createSealedSpace(base, sealing.ring, sealing.resealAfter) : base
  const condemned = createCondemnedLog(space, names)
  const audit = createAuditLog(space, names)
  return {
    id,
    keys,
    chunks: createChunkStore(space, names),
    sessions: createSessionLog(space, names, id),
    restores: createRestoreLog(space, names),
    condemned,
    pins: createPinLog(space, names),
    holds: createHoldLog(space, names),
    audit,
    erasures: createErasureLog(space, names, ledgerKey),
    referrers: createReferrerLog(space, names),
    objects: { names, label: space.label, list: space.list, delete: space.delete },
    writerChunks: () => createChunkStore(space, names, createCondemnedNames(condemned)),
    ...createSnapshotLog(space, names, { scope: id, idOf, audit }),
  }
}
