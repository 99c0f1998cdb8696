import type { ManifestEntity } from '../archive/index.ts'
import type { EntityEvolution } from '../evolution/index.ts'
import { scopeFilter } from '../contracts/scope-filter.ts'
import { FEW_RECORDS, type RestoreTarget } from '../contracts/restore-target.ts'
import { type ChosenItem, chosenItem } from './chosen-item.ts'
import { type LineShape, lineShape } from './line-shape.ts'
import { maskShapes } from './mask-shapes.ts'
import { selectedShape } from './selected-shape.ts'
import { resolverOf } from './resolve-rows.ts'
import { referenceOrder } from '../record/index.ts'
import type { RestoreContext } from './restore-context.ts'
import { FailedRecords } from './failed-records.ts'
import type { StoreSelection } from './select-entities.ts'
import { shapeOfTenant } from './target-tenant.ts'
import { tenantFields } from './tenant-fields.ts'

/** One store's part of a restore, from the open target on. */
export interface OpenStore {
  readonly selection: StoreSelection
  readonly target: RestoreTarget
  /** Parents first. Replaced when it is known, or known no longer, which ranges need not be loaded. */
  items: readonly ChosenItem[]
  /** Every chosen table is empty, so records are loaded straight into them. One table with rows sends all through staging, where references between them can be checked. */
  readonly direct: boolean
  /** Records that are left out, because they cannot come back. Empty unless the request lets some fail. */
  readonly failed: FailedRecords
}

/** Opens every target, one after the other, and hands each to `opened` at once, so that it is closed whatever happens to the next. */
export async function openTargets(
  selections: readonly StoreSelection[],
  { id, signal, evolutionOf, tenant }: Pick<RestoreContext, 'id' | 'signal' | 'evolutionOf' | 'tenant'>,
  opened: (target: RestoreTarget) => void,
  resumes?: string,
): Promise<readonly RestoreTarget[]> {
  const targets: RestoreTarget[] = []
  for (const { store, entities } of selections) {
    const target = await store.openTarget({
      restoreId: id,
      resumes,
      signal,
      entities: entities.map((entity) => ({
        entity: entity.descriptor.name,
        sensitive: livePaths(entity.sensitive, evolutionOf(entity)),
        ...scopeFilter(entity.owner, tenant),
      })),
    })
    opened(target)
    targets.push(target)
  }
  return targets
}

/** Ties the chosen entities to the open target and asks it whether they fit. @throws `E_SCHEMA_DRIFT`, before anything is read. */
export async function prepareStore(selection: StoreSelection, target: RestoreTarget, context: RestoreContext): Promise<OpenStore> {
  const direct =
    !context.dryRun &&
    context.create &&
    !context.watcher &&
    context.resolvers.length === 0 &&
    context.continueOnError === 0 &&
    !choosesFields(selection, context) &&
    !areFew(selection, target, context) &&
    (await allEmpty(selection, target, context))
  const items: ChosenItem[] = []
  const { policy, create, deleteExtra } = context
  const onStored = (bytes: number) => context.meters.stored(bytes)
  const shapes: LineShape[] = []
  const changed = changeOfTenant(selection, context)
  for (const archived of selection.entities) shapes.push(changed(archived, await lineShape(archived, target, context)))
  const masked = await maskShapes(selection, target, shapes, context)
  for (const [at, archived] of selection.entities.entries()) {
    const { chunks } = await context.bucket(archived.bucket)
    const rows = context.selection?.(archived.ranges)
    const shape = selectedShape(masked[at]!, rows, policy)
    const resolved = resolverOf(context.resolvers, selection.store.name, archived.descriptor.name)
    // What a resolver decides is a conflict until then. What is everybody's is no tenant's to change, whatever is asked for.
    const own = resolved ? ('fail' as const) : policy
    const rule = { policy: rows?.onlyParents || archived.shared ? ('skip' as const) : own, deleteExtra: deleteExtra && !archived.shared }
    const mode = direct ? ('direct' as const) : ('staged' as const)
    items.push(chosenItem({ archived, shape, chunks, ...rule, create: create && !rows?.fields, partial: rows !== undefined, mode, onStored }))
  }
  target.assertFits(items)
  return { selection, target, items: referenceOrder(items), direct, failed: new FailedRecords() }
}

/** Where the records go to another tenant: what becomes of their lines. */
function changeOfTenant({ store, from, entities }: StoreSelection, { manifest, whole = manifest, tenant }: RestoreContext) {
  if (manifest.tenant === undefined || tenant === null || tenant === manifest.tenant) return (_: ManifestEntity, shape: LineShape) => shape
  const of = [...entities, ...whole.entities.filter(({ descriptor }) => descriptor.store === from)]
  const fields = tenantFields(store.mapping, (name) => of.find(({ descriptor }) => descriptor.name === name)?.owner)
  const change = { from: manifest.tenant, to: tenant }
  return ({ descriptor, owner, shared }: ManifestEntity, shape: LineShape) =>
    shared ? shape : shapeOfTenant(shape, { ...change, owner, fields: fields.get(descriptor.name) ?? new Set() })
}

/** What was sensitive is so under its name of today. */
function livePaths(paths: readonly string[], { kept }: EntityEvolution): string[] {
  return kept.filter(({ from }) => paths.includes(from)).map(({ to }) => to)
}

async function allEmpty({ entities }: StoreSelection, target: RestoreTarget, { signal }: RestoreContext): Promise<boolean> {
  for (const { descriptor } of entities) if (!(await target.isEmpty(descriptor.name, { signal }))) return false
  return true
}

/** So few rows are staged, whatever the tables hold: where that is quick, asking is of no use. */
function areFew({ entities }: StoreSelection, target: RestoreTarget, { selection }: RestoreContext): boolean {
  return target.stageTogether !== undefined && entities.every(({ ranges }) => (selection?.(ranges)?.rows ?? Number.POSITIVE_INFINITY) <= FEW_RECORDS)
}

/** Such rows are never created, for want of their other fields. */
function choosesFields({ entities }: StoreSelection, { selection }: RestoreContext): boolean {
  return entities.some(({ ranges }) => selection?.(ranges)?.fields !== undefined)
}
