import type { RepositoryScope } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { isUuid } from '../kernel/ids.ts'
import { add, emptyGroup, groupOf, type ObjectGroup } from './object-group.ts'

/** What restores leave, by how long it is kept. */
export interface RestoreKeep {
  /** How long a restore can be undone after it was written down how: its journal. Default 30 days; at least one day. */
  readonly keepUndoMs?: number
  /** How long results and diagnostics are kept, with all else of a restore. Default 365 days; at least `keepUndoMs`. */
  readonly keepRestoresMs?: number
}

export const DAY_MS = 24 * 60 * 60 * 1000
export const KEEP_UNDO_MS = 30 * DAY_MS
export const KEEP_RESTORES_MS = 365 * DAY_MS
/** No plan can be applied for longer than seven days. One that was begun with at the last moment has a day to come to its end. */
export const KEEP_PLANS_MS = 8 * DAY_MS

/** All that is kept of one restore or plan. */
export interface RestoreGroup extends ObjectGroup {
  /** The plan and its rows. */
  readonly plan: ObjectGroup
  /** How each store was before. */
  readonly undo: ObjectGroup
}

export async function surveyRestores({ objects }: RepositoryScope, options: AbortableOptions): Promise<Map<string, RestoreGroup>> {
  const restores = new Map<string, RestoreGroup>()
  const root = objects.names.restores().length
  for await (const { key, bytes, modifiedAt } of objects.list(objects.names.restores(), options)) {
    const [id = '', part = ''] = key.slice(root).split('/', 2)
    if (!isUuid(id)) continue
    const group = groupOf(restores, id, () => ({ ...emptyGroup(), plan: emptyGroup(), undo: emptyGroup() }))
    add(group, key, bytes, modifiedAt)
    if (part === 'plan' || part === 'plan-rows') add(group.plan, key, bytes, modifiedAt)
    if (part === 'undo' || part === 'undo-rows') add(group.undo, key, bytes, modifiedAt)
  }
  return restores
}
