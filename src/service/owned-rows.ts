import type { Manifest, ManifestEntity } from '../archive/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { evolveManifest, type SchemaChanges } from '../evolution/index.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { IBackupPlanRegistry, ResolvedPlan } from '../plan/index.ts'

type OwnedRows = Pick<ManifestEntity, 'owner' | 'shared'>

/** How the rows of an entity lead to their tenant, as a plan declares it today; null where it says nothing of them. */
export function ownedToday(plans: IBackupPlanRegistry, planId: string): (store: string, entity: string) => OwnedRows | null {
  const plan: ResolvedPlan | null = plans.has(planId) ? plans.resolved(planId) : null
  return (store, entity) => {
    const found = plan?.scope?.by === 'column' ? plan.entities.find((each) => each.store === store && each.entity === entity) : undefined
    if (found?.owner) return { owner: found.owner }
    return found?.shared ? { shared: true } : null
  }
}

/**
 * The snapshot of a tenant, its rows told from those of others as the plan says today, before the snapshot says it: a manifest that somebody changed in a plain repository opens no table of all
 * tenants, and what was renamed since is found.
 *
 * @throws `E_SCOPE` for an entity of which neither says whose its rows are, where others are told by row
 */
export function ownedManifest(
  manifest: Manifest,
  { plans, stores, schema }: { readonly plans: IBackupPlanRegistry; readonly stores: ReadonlyMap<string, EntityStore>; readonly schema: SchemaChanges },
): Manifest {
  if (manifest.tenant === undefined) return manifest
  const today = ownedToday(plans, manifest.plan.id)
  const evolved = evolveManifest(manifest, { stores, changes: schema }).manifest.entities
  const nameOf = ({ descriptor }: ManifestEntity) =>
    evolved.find(({ descriptor: { store, table, schema: of } }) => store === descriptor.store && table === descriptor.table && of === descriptor.schema)
      ?.descriptor.name ?? descriptor.name
  const entities = manifest.entities.map(({ owner, shared, ...entity }): ManifestEntity => ({
    ...entity,
    ...(today(entity.descriptor.store, nameOf(entity)) ?? { ...(owner ? { owner } : {}), ...(shared ? { shared } : {}) }),
  }))
  const bare = entities.filter(({ owner, shared }) => !owner && !shared)
  if (bare.length > 0 && bare.length < entities.length) {
    throw new HoldfastError(
      'E_SCOPE',
      `neither plan "${manifest.plan.id}" nor the snapshot says to whom the rows of ${bare.map(({ descriptor }) => descriptor.name).join(', ')} belong`,
      {
        hint: 'Declare the plan that the snapshot is of, with these entities.',
      },
    )
  }
  return { ...manifest, entities }
}
