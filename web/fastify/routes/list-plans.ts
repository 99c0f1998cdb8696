import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, NoQuery } from '../schemas.ts'
import { PlanListSchema } from '../schemas-plan.ts'

export const listPlans: Route = (context) => {
  const { app, holdfast } = context
  app.get('/plans', endpoint(context, 'listPlans', { querystring: NoQuery, response: { 200: PlanListSchema, ...ERROR_RESPONSES } }), async () => ({
    plans: holdfast.plans.list().map(({ id }) => holdfast.plans.resolved(id)),
  }))
}
