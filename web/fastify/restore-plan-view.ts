import type { RestorePlan } from '../../src/restore/index.ts'
import { type EntityView, withoutSamples } from './restore-view.ts'

/** A plan as it is shown: with samples only to whoever may see record values. */
export type RestorePlanView = Omit<RestorePlan, 'entities'> & { readonly entities: readonly EntityView[] }

export function restorePlanView(plan: RestorePlan, records: boolean): RestorePlanView {
  return records ? plan : { ...plan, entities: plan.entities.map(withoutSamples) }
}
