import { Type } from 'typebox'
import type { AbortableOptions } from '../kernel/abort.ts'
import { canonicalJson } from '../kernel/canonical-json.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { isUuid } from '../kernel/ids.ts'
import { corrupt } from './archive-error.ts'
import type { AuditLog } from './audit-log.ts'
import { createCheck } from './checked-schema.ts'
import { getJsonObject, putJsonObject } from './json-object.ts'
import type { Manifest } from './manifest.ts'
import { loadManifestPages, storeManifestPages } from './manifest-pages.ts'
import { assertManifestRules } from './manifest-rules.ts'
import { checkStoredManifest, UuidSchema } from './manifest-schema.ts'
import { requireKnownFeatures } from './object-container.ts'
import type { ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'
import { putProven } from './put-proven.ts'

export interface HideOptions extends AbortableOptions, Pick<Tombstone, 'replacedBy'> {
  /** Who asks, for the audit log. */
  readonly by?: string | undefined
}

/** The snapshots of one scope. */
export interface SnapshotLog {
  /** Create-only; read back and compared before it returns. The snapshot is visible from then on. An equal manifest that is there already is success. */
  writeManifest(manifest: Manifest, options?: AbortableOptions): Promise<void>
  /** `E_SNAPSHOT_UNKNOWN` when there is none, or it is hidden and `evenHidden` is not set. */
  readManifest(snapshotId: string, options?: AbortableOptions & { readonly evenHidden?: boolean }): Promise<Manifest>
  /** Does a tombstone hide it, or what a prune has left of it? */
  isHidden(snapshotId: string, options?: AbortableOptions): Promise<boolean>
  /** Visible snapshots in order of time. */
  listSnapshots(options?: AbortableOptions): AsyncIterable<{ readonly id: string; readonly storedAt: number }>
  /** What hides a snapshot; null when nothing does. */
  tombstone(snapshotId: string, options?: AbortableOptions): Promise<Tombstone | null>
  /** Hides a snapshot by a tombstone; nothing is deleted. Hiding again changes nothing. `E_SNAPSHOT_UNKNOWN` when there is none. */
  hide(snapshotId: string, reason: string, options?: HideOptions): Promise<void>
}

export interface Tombstone {
  readonly snapshotId: string
  readonly reason: string
  readonly at: string
  /** The snapshot that stands in its place. */
  readonly replacedBy?: string
}
const checkTombstone = createCheck<Tombstone>()(
  Type.Object({ snapshotId: UuidSchema, reason: Type.String(), at: Type.String(), replacedBy: Type.Optional(UuidSchema) }),
)

export interface SnapshotLogParts {
  readonly scope: string | null
  /** The scope of a tenant: a manifest must be of the one that it names. */
  readonly idOf: (tenant: string) => string
  readonly audit: Pick<AuditLog, 'write'>
}

export function createSnapshotLog(space: ObjectSpace, names: ScopeNames, { scope, idOf, audit }: SnapshotLogParts): SnapshotLog {
  const isOwn = (manifest: Pick<Manifest, 'repositoryId' | 'scope' | 'tenant'>) =>
    manifest.repositoryId === space.repositoryId && manifest.scope === scope && (manifest.tenant === undefined ? null : idOf(manifest.tenant)) === scope

  async function load(snapshotId: string, options: AbortableOptions): Promise<Manifest> {
    const object = names.manifest(snapshotId)
    const label = space.label(object)
    const value = await getJsonObject(space, object, 'manifest', options)
    // Before anything else is found fault with: what needs a later version may well look different.
    if (typeof value === 'object' && value !== null && 'requiredFeatures' in value) requireKnownFeatures(value.requiredFeatures, label)
    const stored = checkStoredManifest(value, label)
    if (stored.snapshotId !== snapshotId || !isOwn(stored)) throw corrupt(label, 'is the manifest of another snapshot')
    const manifest = await loadManifestPages(space, names, stored, options)
    assertManifestRules(manifest, label)
    return manifest
  }

  /** A damaged one hides, too. */
  async function readTombstone(snapshotId: string, options: AbortableOptions = {}): Promise<Tombstone | null> {
    const object = names.tombstone(snapshotId)
    if (!isUuid(snapshotId) || !(await space.stat(object, options))) return null
    try {
      return checkTombstone(await getJsonObject(space, object, 'tombstone', options), space.label(object))
    } catch (error) {
      if (!isHoldfastError(error) || !error.code.startsWith('E_ARCHIVE_')) throw error
      return { snapshotId, reason: '', at: '' }
    }
  }

  return {
    async writeManifest(manifest, options = {}) {
      const label = space.label(names.manifest(manifest.snapshotId))
      const value = JSON.parse(canonicalJson(manifest)) as Manifest
      checkStoredManifest(value, label)
      if (!isOwn(value)) throw corrupt(label, 'is the manifest of another repository or scope')
      assertManifestRules(value, label)
      await putJsonObject(space, names.manifest(manifest.snapshotId), 'manifest', await storeManifestPages(space, names, value, options), options)
      const readBack = await load(manifest.snapshotId, options)
      if (canonicalJson(readBack) !== canonicalJson(manifest)) throw corrupt(label, 'reads back as something else than was written')
    },
    tombstone: readTombstone,
    isHidden: async (snapshotId, options) => isUuid(snapshotId) && (await space.stat(names.tombstone(snapshotId), options)) !== null,
    async readManifest(snapshotId, { evenHidden = false, ...options } = {}) {
      if (!isUuid(snapshotId)) throw unknownSnapshot(snapshotId)
      const tombstone = evenHidden ? null : await readTombstone(snapshotId, options)
      if (tombstone) throw goneSnapshot(tombstone)
      try {
        return await load(snapshotId, options)
      } catch (error) {
        const absent = isHoldfastError(error, 'E_ARCHIVE_MISSING') && !(await space.stat(names.manifest(snapshotId), options))
        throw absent ? unknownSnapshot(snapshotId) : error
      }
    },
    async *listSnapshots(options = {}) {
      const hidden = new Set<string>()
      for await (const { key } of space.list(names.tombstones(), options)) hidden.add(lastSegment(key))
      const root = names.snapshots().length
      for await (const { key, modifiedAt } of space.list(names.snapshots(), options)) {
        const [id, rest] = key.slice(root).split('/', 2)
        if (id !== undefined && isUuid(id) && rest === 'manifest' && !hidden.has(id)) yield { id, storedAt: modifiedAt }
      }
    },
    async hide(snapshotId, reason, { replacedBy, by, ...options } = {}) {
      if (!isUuid(snapshotId) || !(await space.stat(names.manifest(snapshotId), options))) throw unknownSnapshot(snapshotId)
      const object = names.tombstone(snapshotId)
      if (!(await space.stat(object, options)))
        await audit.write({ act: 'snapshot-deleted', snapshots: [snapshotId], reason, ...(by === undefined ? {} : { by }) }, options)
      try {
        await putProven(
          space,
          object,
          'tombstone',
          { snapshotId, reason, at: new Date().toISOString(), ...(replacedBy === undefined ? {} : { replacedBy }) } satisfies Tombstone,
          options,
        )
      } catch (error) {
        // Another tombstone, an older one with another reason, hides just as well; only a damaged one is worth an error.
        if (!isHoldfastError(error, 'E_STORAGE_EXISTS')) throw error
        checkTombstone(await getJsonObject(space, object, 'tombstone', options), space.label(object))
      }
    },
  }
}

/** The error for a snapshot that is hidden. */
export function goneSnapshot({ snapshotId, replacedBy }: Tombstone): HoldfastError {
  if (replacedBy === undefined) return unknownSnapshot(snapshotId, 'it was deleted')
  return new HoldfastError('E_SNAPSHOT_UNKNOWN', `no snapshot "${snapshotId}": it was rewritten without erased records, as ${replacedBy}`, {
    hint: `Use ${replacedBy}, which is of the same state; plans that were made with the old one have to be made again.`,
    details: { snapshotId, replacedBy },
  })
}

function unknownSnapshot(snapshotId: string, why?: string): HoldfastError {
  return new HoldfastError('E_SNAPSHOT_UNKNOWN', `no snapshot ${JSON.stringify(snapshotId.slice(0, 100))}${why ? `: ${why}` : ''}`, {
    details: { snapshotId: snapshotId.slice(0, 100) },
  })
}

function lastSegment(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}
