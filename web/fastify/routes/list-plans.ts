import type { ResolvedEntity, ResolvedPlan } from '../../../src/plan/index.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, NoQuery } from '../schemas.ts'
import { PlanListSchema, type PlanView } from '../schemas-plan.ts'

export const listPlans: Route = (context) => {
  const { app, holdfast } = context
  app.get('/plans', endpoint(context, 'listPlans', { querystring: NoQuery, response: { 200: PlanListSchema, ...ERROR_RESPONSES } }), async () => ({
    plans: holdfast.plans.list().map(({ id }) => planView(holdfast.plans.resolved(id))),
  }))
}

function planView(resolved: ResolvedPlan): PlanView {
  const { policy, scope, entities, hooks: _, ...plan } = resolved
  return {
    ...plan,
    entities: entities.map(withoutOwner),
    scope: scope?.by ?? null,
    policy: {
      ...policy,
      source: { ...policy.source, pauseWhen: policy.source.pauseWhen !== null },
      retention: policy.retention && { ...policy.retention, strategy: policy.retention.strategy !== undefined },
    },
  }
}

/** How rows lead to their tenant is nobody's business outside. */
function withoutOwner(entity: ResolvedEntity): PlanView['entities'][number] {
  const view: { -readonly [Name in keyof ResolvedEntity]: ResolvedEntity[Name] } = { ...entity }
  delete view.owner
  return view
}
