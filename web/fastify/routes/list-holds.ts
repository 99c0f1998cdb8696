import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES } from '../schemas.ts'
import { HoldListQuery, HoldListSchema } from '../schemas-retention.ts'

export const listHolds: Route = (context) => {
  const { app, holdfast } = context
  const schema = { querystring: HoldListQuery, response: { 200: HoldListSchema, ...ERROR_RESPONSES } }
  app.get('/holds', endpoint(context, 'listHolds', schema), async ({ query: { snapshot, scope } }) => ({
    holds: [...(await holdfast.discovery.holds(snapshot === undefined ? { scope } : { snapshot, scope }))],
  }))
}
