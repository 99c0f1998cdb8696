import type { ResolvedPlan } from '../../../src/plan/index.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, NoQuery } from '../schemas.ts'
import { PlanListSchema, type PlanView } from '../schemas-plan.ts'

export const listPlans: Route = (context) => {
  const { app, holdfast } = context
  app.get('/plans', endpoint(context, 'listPlans', { querystring: NoQuery, response: { 200: PlanListSchema, ...ERROR_RESPONSES } }), async () => ({
    plans: holdfast.plans.list().map(({ id }) => planView(holdfast.plans.resolved(id))),
  }))
}

function planView({ policy, ...plan }: ResolvedPlan): PlanView {
  return { ...plan, policy: { ...policy, source: { ...policy.source, pauseWhen: policy.source.pauseWhen !== null } } }
}
