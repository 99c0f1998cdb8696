import type { Manifest } from '../archive/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { Logger } from '../contracts/logger.ts'
import type { SchemaChanges } from '../evolution/index.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import type { Clock } from '../kernel/clock.ts'
import { type HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import type { IBackupPlanRegistry } from '../plan/index.ts'
import { checkRestorable, type RestorableReport, unrestorable } from '../restore/index.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import { ownedManifest } from './owned-rows.ts'
import { isByRow, liveStoresOf } from './scoped-stores.ts'
import { findSnapshot, type FoundSnapshot } from './snapshot-finder.ts'

export interface RestorableQuery extends ScopeOption {
  /** Only this snapshot. */
  readonly snapshot?: string
  /** Only snapshots of this plan. */
  readonly plan?: string
}

export interface RestorableOptions {
  readonly repositories: BucketRepositories
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly plans: IBackupPlanRegistry
  readonly schema: SchemaChanges
  readonly clock: Clock
  readonly logger: Logger
}

/** Every kept snapshot, oldest first, held against today's entities. Each is read when it is its turn: there may be many. */
export async function* restorableSnapshots(parts: RestorableOptions, query: RestorableQuery = {}): AsyncGenerator<RestorableReport, void, undefined> {
  assertKnownOptions(query, ['snapshot', 'plan', 'scope', 'signal'] satisfies (keyof RestorableQuery)[], 'a check of snapshots')
  const { repositories, plans: _, ...dependencies } = parts
  const { snapshot, plan, scope, signal } = query
  for (const id of snapshot === undefined ? await idsOf(repositories, { scope, signal }) : [snapshot]) {
    const found = await findSnapshot(repositories, id, { scope, signal }).catch((error: unknown) => {
      // Deleted since the listing.
      if (snapshot === undefined && isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) return null
      throw error
    })
    if (!found || (plan !== undefined && found.manifest.plan.id !== plan)) continue
    const { repository } = found
    const { manifest, stores, refusal } = await readyToCheck(found, parts)
    if (refusal) {
      yield unrestorable(manifest, refusal)
      continue
    }
    const bucket = async (name: string) => (await repositories.existing(name, { signal })).scope(manifest.scope)
    yield await checkRestorable({ ...dependencies, stores, manifest, repository: repository.scope(manifest.scope), bucket, signal })
  }
}

/** The snapshot, and the live stores of its tenant; or why nobody can say where or whose its rows are. */
async function readyToCheck(
  { manifest: found }: Pick<FoundSnapshot, 'manifest'>,
  { stores, plans, schema }: RestorableOptions,
): Promise<{ readonly manifest: Manifest; readonly stores: ReadonlyMap<string, EntityStore>; readonly refusal: HoldfastError | null }> {
  try {
    const manifest = ownedManifest(found, { plans, stores, schema })
    const live = await liveStoresOf({ planId: manifest.plan.id, tenant: manifest.tenant ?? null, byRow: isByRow(manifest) }, stores, plans)
    return { manifest, stores: live, refusal: null }
  } catch (error) {
    if (isHoldfastError(error, 'E_PLAN_UNKNOWN') || isHoldfastError(error, 'E_SCOPE')) return { manifest: found, stores, refusal: error }
    throw error
  }
}

async function idsOf(repositories: BucketRepositories, { scope, ...options }: ScopeOption): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const { repository } of repositories.all(options)) for await (const { id } of repository.scopeOf(scope).listSnapshots(options)) ids.push(id)
  return ids.sort()
}
