import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, NoQuery } from '../schemas.ts'
import { InventorySchema } from '../schemas-plan.ts'

export const getInventory: Route = (context) => {
  const { app, holdfast } = context
  app.get('/inventory', endpoint(context, 'getInventory', { querystring: NoQuery, response: { 200: InventorySchema, ...ERROR_RESPONSES } }), async () => {
    const { entities, healthy, warnings } = holdfast.discovery.inventory()
    return { entities, healthy, warnings: warnings.map(({ path, problem, remedy }) => ({ path, problem, remedy })) }
  })
}
