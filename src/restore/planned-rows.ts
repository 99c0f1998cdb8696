import type { RestoreLog } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { shownKeyText } from '../record/index.ts'
import type { PlannedRow, PlanRow, StoredPlan } from './restore-plan.ts'
import { readRowPages } from './row-pages.ts'

/** Every row that a plan touches, page by page. */
export async function* plannedRows(
  { planId, planned }: StoredPlan,
  log: Pick<RestoreLog, 'readPartText'>,
  options: AbortableOptions,
): AsyncGenerator<PlannedRow, void, undefined> {
  for (const { store, entity, pages, hidden } of planned) {
    for await (const [action, key, , why] of readRowPages<PlanRow>({ log, id: planId, part: 'plan-rows' }, pages, options))
      yield { store, entity, key: shownKeyText(hidden, key), action, why }
  }
}
