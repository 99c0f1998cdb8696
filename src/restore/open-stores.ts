import type { RestoreTarget } from '../contracts/restore-target.ts'
import { type ChosenItem, chosenItem } from './chosen-item.ts'
import { referenceOrder } from './reference-order.ts'
import type { RestoreContext } from './restore-context.ts'
import type { StoreSelection } from './select-entities.ts'

/** One store's part of a restore, from the open target on. */
export interface OpenStore {
  readonly selection: StoreSelection
  readonly target: RestoreTarget
  /** Parents first. Replaced when it is known, or known no longer, which ranges need not be loaded. */
  items: readonly ChosenItem[]
  /** Every chosen table is empty, so records are loaded straight into them. One table with rows sends all through staging, where references between them can be checked. */
  readonly direct: boolean
}

/** Opens every target, one after the other, and hands each to `opened` at once, so that it is closed whatever happens to the next. */
export async function openTargets(
  selections: readonly StoreSelection[],
  { id, signal }: Pick<RestoreContext, 'id' | 'signal'>,
  opened: (target: RestoreTarget) => void,
): Promise<readonly RestoreTarget[]> {
  const targets: RestoreTarget[] = []
  for (const { store, entities } of selections) {
    const target = await store.openTarget({
      restoreId: id,
      signal,
      entities: entities.map(({ descriptor, sensitive }) => ({ entity: descriptor.name, sensitive })),
    })
    opened(target)
    targets.push(target)
  }
  return targets
}

/** Ties the chosen entities to the open target and asks it whether they fit. @throws `E_SCHEMA_DRIFT`, before anything is read. */
export async function prepareStore(selection: StoreSelection, target: RestoreTarget, context: RestoreContext): Promise<OpenStore> {
  const direct = !context.dryRun && (await allEmpty(selection, target, context))
  const items: ChosenItem[] = []
  for (const archived of selection.entities) {
    const { chunks } = await context.bucket(archived.bucket)
    items.push(chosenItem({ archived, chunks, policy: context.policy, mode: direct ? 'direct' : 'staged', onStored: (bytes) => context.meters.stored(bytes) }))
  }
  target.assertFits(items)
  return { selection, target, items: referenceOrder(items), direct }
}

async function allEmpty({ entities }: StoreSelection, target: RestoreTarget, { signal }: RestoreContext): Promise<boolean> {
  for (const { descriptor } of entities) if (!(await target.isEmpty(descriptor.name, { signal }))) return false
  return true
}
