import { requireCapabilities } from '../contracts/capability-requirement.ts'
import { assertObjectPrefix } from '../contracts/object-key.ts'
import type { StorageAdapter } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { type ChunkStore, createChunkStore } from './chunk-store.ts'
import { type CondemnedLog, createCondemnedLog, createCondemnedNames } from './condemned-log.ts'
import { signToken, type TokenPointer, verifyToken } from './continuation-token.ts'
import { type ScopeNames, scopeNames } from './object-names.ts'
import { createObjectSpace, type ObjectSpace } from './object-space.ts'
import { createPinLog, type PinLog } from './pin-log.ts'
import { createReferrerLog, type ReferrerLog } from './referrer-log.ts'
import { openRepositoryFile } from './repository-file.ts'
import { createRestoreLog, type RestoreLog } from './restore-log.ts'
import { createSessionLog, type SessionLog } from './session-log.ts'
import { createSnapshotLog, type SnapshotLog } from './snapshot-log.ts'

export interface OpenRepositoryOptions extends AbortableOptions {
  readonly storage: StorageAdapter
  /** Put before every object name; empty, or segments that end with a slash. Default empty. */
  readonly prefix?: string
  /** Make the repository when there is none. Default false: `E_ARCHIVE_MISSING`. */
  readonly create?: boolean
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
  /** The opaque text that `pause()` hands out. */
  signToken(pointer: Omit<TokenPointer, 'v' | 'repositoryId'>): string
  /** `E_TOKEN_INVALID` for anything that `signToken` of this repository did not make. */
  verifyToken(token: string): TokenPointer
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
  readonly referrers: ReferrerLog
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
 * `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_FORMAT` when it needs a newer Holdfast.
 */
export async function openRepository({ storage, prefix = '', create = false, signal }: OpenRepositoryOptions): Promise<Repository> {
  requireCapabilities(
    storage,
    'a repository',
    ['conditionalPut', 'strongList'],
    'Choose a storage that creates objects conditionally and lists them consistently: a local file system, or S3.',
  )
  assertObjectPrefix(prefix, storage.capabilities)
  if (prefix !== '' && !prefix.endsWith('/')) throw new HoldfastError('E_CONFIG', `prefix ${JSON.stringify(prefix)} must end with a slash`)
  const file = await openRepositoryFile(storage, prefix, create, { signal })
  const space = createObjectSpace(storage, prefix, file.repositoryId)
  const secret = Buffer.from(file.tokenSecret, 'base64')
  return {
    id: file.repositoryId,
    createdAt: file.createdAt,
    storage,
    prefix,
    scope: (id = null) => createScope(space, id),
    signToken: (pointer) => signToken({ ...pointer, v: 1, repositoryId: file.repositoryId }, secret),
    verifyToken: (token) => verifyToken(token, secret, file.repositoryId),
  }
}

function createScope(space: ObjectSpace, id: string | null): RepositoryScope {
  if (id !== null && !SCOPE_ID.test(id))
    throw new HoldfastError('E_CONFIG', `scope id ${JSON.stringify(id.slice(0, 140))} must be 1 to 128 letters, digits, "-" or "_", not "-" first`)
  const names = scopeNames(id)
  const condemned = createCondemnedLog(space, names)
  return {
    id,
    chunks: createChunkStore(space, names),
    sessions: createSessionLog(space, names, id),
    restores: createRestoreLog(space, names),
    condemned,
    pins: createPinLog(space, names),
    referrers: createReferrerLog(space, names),
    objects: { names, label: space.label, list: space.list, delete: space.delete },
    writerChunks: () => createChunkStore(space, names, createCondemnedNames(condemned)),
    ...createSnapshotLog(space, names, id),
  }
}
