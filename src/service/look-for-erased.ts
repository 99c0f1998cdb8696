import { type ErasureLog, type Manifest, type Repository, type RepositoryScope, withCachedIndexes } from '../archive/index.ts'
import { type HeldMemory, type HeldRecords, heldRecords } from '../erasure/index.ts'
import { evolveManifest } from '../evolution/index.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import { throwIfAborted } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { namesToday } from './names-today.ts'
import type { OpenSnapshotParts } from './open-snapshot.ts'

/** A snapshot that holds something of erased records, or was rewritten and not yet deleted. */
export interface HoldingSnapshot {
  readonly id: string
  readonly bucket: string
  readonly repository: Repository
  readonly scope: RepositoryScope
  readonly planId: string
  readonly series: string
  readonly viewAt: string
  /** Buckets with its chunks. */
  readonly buckets: readonly string[]
  /** Null when `replacement` is there already. */
  readonly held: HeldRecords | null
  readonly replacement: string | null
  readonly holds: readonly string[]
}

export interface LookForErasedOptions extends ScopeOption {
  /** The ledger that is gone by. Default: that of the scope. */
  readonly ledgerOf?: (repository: Repository, scope: RepositoryScope) => ErasureLog
  readonly memory: HeldMemory
}

export interface FoundErased {
  /** Oldest first. */
  readonly holding: readonly HoldingSnapshot[]
  /** Names of chunks that each visible snapshot refers to. */
  readonly chunks: ReadonlyMap<string, ReadonlySet<string>>
}

/** Chunks of a bucket, their indexes kept while a run goes through one snapshot after the other. */
export type ReadChunks = (bucket: string, scope: string | null) => Promise<RepositoryScope['chunks']>

export function readChunks({ repositories }: Pick<OpenSnapshotParts, 'repositories'>, options: ScopeOption): ReadChunks {
  const stores = new Map<string, RepositoryScope['chunks']>()
  return async (bucket, scope) => {
    const place = JSON.stringify([bucket, scope])
    const known = stores.get(place) ?? withCachedIndexes((await repositories.existing(bucket, { signal: options.signal })).scope(scope).chunks)
    stores.set(place, known)
    return known
  }
}

/** Which visible snapshots of a tenant hold something of erased records, in all buckets. @throws what reading manifests, indexes and chunks throws: what cannot be read might hold some */
export async function lookForErased(
  { repositories, stores, schema }: Pick<OpenSnapshotParts, 'repositories' | 'stores' | 'schema'>,
  read: ReadChunks,
  { scope: tenant, ledgerOf = (_, scope) => scope.erasures, memory, signal }: LookForErasedOptions,
): Promise<FoundErased> {
  const found = new Map<string, HoldingSnapshot>()
  const chunks = new Map<string, ReadonlySet<string>>()
  const seen = new Set<string>()
  for await (const { bucket, repository } of repositories.all({ signal })) {
    // Two buckets may be the same place.
    const place = JSON.stringify([repository.id, repository.storage.name, repository.prefix])
    if (seen.size === seen.add(place).size) continue
    const scope = repository.scopeOf(tenant)
    const erasures = ledgerOf(repository, scope)
    for await (const { id } of scope.listSnapshots({ signal })) {
      throwIfAborted(signal)
      const manifest = await manifestOf(scope, id, signal)
      if (!manifest) continue
      chunks.set(id, chunkNames(manifest))
      const of = async (replacement: string | null, held: HeldRecords | null, { snapshotId, plan, series, times, entities }: Manifest) => {
        const holds: string[] = []
        for await (const { holdId } of scope.holds.names({ snapshotId, signal })) holds.push(holdId)
        const buckets = [...new Set([bucket, ...entities.map((entity) => entity.bucket)])]
        found.set(snapshotId, { id: snapshotId, bucket, repository, scope, planId: plan.id, series, viewAt: times.viewAt, buckets, held, replacement, holds })
      }
      const replaced = manifest.replaces && (await manifestOf(scope, manifest.replaces.snapshotId, signal))
      if (replaced) await of(id, null, replaced)
      const today = evolveManifest(manifest, { stores, changes: schema, keepRemoved: true })
      const held = await heldRecords({ manifest, chunks: (name) => read(name, scope.id), erasures, nameToday: namesToday(today) }, memory, { signal })
      if (held) await of(null, held, manifest)
    }
  }
  return { holding: [...found.values()], chunks }
}

function chunkNames({ entities }: Manifest): ReadonlySet<string> {
  return new Set(entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers.map(({ name }) => name))))
}

/** Null when it was deleted since the listing. */
async function manifestOf(scope: RepositoryScope, id: string, signal?: AbortSignal): Promise<Manifest | null> {
  try {
    return await scope.readManifest(id, { signal })
  } catch (error) {
    if (isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) return null
    if (!isHoldfastError(error)) throw error
    throw error
      .withDetails({ snapshotId: id })
      .withHint('A snapshot that cannot be read may hold what is erased: delete it (`discovery.delete`), or mend its storage, and erase again.')
  }
}
