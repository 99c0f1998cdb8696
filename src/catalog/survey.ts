import type { Repository, RepositoryScope } from '../archive/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { isUuid } from '../kernel/ids.ts'
import { add, emptyGroup, groupOf, type ObjectGroup } from './object-group.ts'
import { type RestoreGroup, surveyRestores } from './restore-groups.ts'
import { type ListGroup, surveyLists } from './survey-lists.ts'

/** A repository that a prune works on, by the name of its bucket. */
export interface PrunePlace {
  readonly bucket: string
  readonly repository: Repository
  /** Other buckets that are the same place. */
  readonly aliases?: readonly string[]
  /** Id of the tenant's scope; absent for what belongs to none. */
  readonly scope?: string
}

export interface SnapshotGroup extends ObjectGroup {
  /** When the manifest was stored; null when there is none: pages of a commit that never was, or what a prune has left. */
  manifestAt: number | null
  /** When the tombstone was stored; null when the snapshot is visible. */
  hiddenAt: number | null
}

export interface SessionGroup extends ObjectGroup {
  /** When the session's record was stored; null when it is gone. */
  recordAt: number | null
}

/** What lies in one scope of a repository, by listing it. */
export interface Survey {
  readonly bucket: string
  /** All its names. */
  readonly buckets: readonly string[]
  readonly repository: Repository
  readonly scope: RepositoryScope
  /** The storage's clock when the prune began. */
  readonly now: number
  /** Id for the list of this run. */
  readonly runId: string
  /** Chunks and indexes by the name of the chunk. */
  readonly chunks: ReadonlyMap<string, ObjectGroup>
  readonly snapshots: ReadonlyMap<string, SnapshotGroup>
  readonly sessions: ReadonlyMap<string, SessionGroup>
  readonly restores: ReadonlyMap<string, RestoreGroup>
  readonly lists: readonly ListGroup[]
  readonly pins: readonly { readonly snapshotId: string; readonly object: string; readonly storedAt: number }[]
  /** Snapshots that somebody has said must not be deleted. */
  readonly holds: ReadonlySet<string>
  readonly referrers: readonly string[]
  /** The storage keeps old versions of what is deleted; null when that is not known. */
  readonly keepsVersions: boolean | null
}

/** Reads everything in the order that the safety of a prune hangs on: the time first, then chunks, then all that can refer to them (by `mark`). */
export async function surveyPlace(
  { bucket, repository, aliases = [], scope: id }: PrunePlace,
  begun: { readonly id: string; readonly now: number },
  options: AbortableOptions,
): Promise<Survey> {
  const scope = repository.scope(id)
  const lists = await surveyLists(scope, begun, options)
  const { names } = scope.objects
  const pins: Survey['pins'][number][] = []
  const holds = new Set<string>()
  const referrers: string[] = []
  const chunks = await surveyChunks(scope, options)
  for await (const repositoryId of scope.referrers.list(options)) referrers.push(repositoryId)
  for await (const { snapshotId, pinId, storedAt } of scope.pins.list(options)) pins.push({ snapshotId, object: names.pin(snapshotId, pinId), storedAt })
  for await (const { snapshotId } of scope.holds.names(options)) holds.add(snapshotId)
  return {
    bucket,
    buckets: [bucket, ...aliases],
    repository,
    scope,
    now: begun.now,
    runId: begun.id,
    lists,
    chunks,
    referrers,
    pins,
    holds,
    sessions: await surveySessions(scope, options),
    snapshots: await surveySnapshots(scope, options),
    restores: await surveyRestores(scope, options),
    keepsVersions: await keepsVersions(repository, options),
  }
}

/** Only told of in the report: a storage that does not answer this is not a reason to prune nothing. */
export async function keepsVersions({ storage }: Repository, options: AbortableOptions): Promise<boolean | null> {
  if (!storage.capabilities.versioning) return false
  try {
    return (await storage.place?.(options))?.versioning ?? null
  } catch {
    throwIfAborted(options.signal)
    return null
  }
}

const CHUNK_OBJECT = /\/([0-9a-f]{2})\/((?:\1)[0-9a-f]{62}(?:\.[1-9][0-9]{0,3})?)\.hf[cx]$/

/** What does not look like a chunk is none of ours: it is not seen, so it stays. */
export async function surveyChunks({ objects }: RepositoryScope, options: AbortableOptions): Promise<Map<string, ObjectGroup>> {
  const chunks = new Map<string, ObjectGroup>()
  for await (const { key, bytes, modifiedAt } of objects.list(objects.names.chunks(), options)) {
    const name = CHUNK_OBJECT.exec(key)?.[2]
    if (name === undefined) continue
    add(groupOf(chunks, name, emptyGroup), key, bytes, modifiedAt)
  }
  return chunks
}

export async function surveySessions({ objects }: RepositoryScope, options: AbortableOptions): Promise<Map<string, SessionGroup>> {
  const sessions = new Map<string, SessionGroup>()
  const root = objects.names.sessions().length
  for await (const { key, bytes, modifiedAt } of objects.list(objects.names.sessions(), options)) {
    const [id = '', rest] = key.slice(root).split('/', 2)
    if (!isUuid(id)) continue
    const group = groupOf(sessions, id, () => ({ ...emptyGroup(), recordAt: null }))
    add(group, key, bytes, modifiedAt)
    if (rest === 'session') group.recordAt = modifiedAt
  }
  return sessions
}

export async function surveySnapshots({ objects }: RepositoryScope, options: AbortableOptions): Promise<Map<string, SnapshotGroup>> {
  const snapshots = new Map<string, SnapshotGroup>()
  const empty = (): SnapshotGroup => ({ ...emptyGroup(), manifestAt: null, hiddenAt: null })
  const root = objects.names.snapshots().length
  for await (const { key, bytes, modifiedAt } of objects.list(objects.names.snapshots(), options)) {
    const [id = '', rest] = key.slice(root).split('/', 2)
    if (!isUuid(id)) continue
    const group = groupOf(snapshots, id, empty)
    add(group, key, bytes, modifiedAt)
    if (rest === 'manifest') group.manifestAt = modifiedAt
  }
  const tombs = objects.names.tombstones().length
  for await (const { key, modifiedAt } of objects.list(objects.names.tombstones(), options)) {
    const id = key.slice(tombs)
    if (isUuid(id)) groupOf(snapshots, id, empty).hiddenAt = modifiedAt
  }
  return snapshots
}
