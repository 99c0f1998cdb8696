import { endpoint, type Route, whileWanted } from '../route-context.ts'
import { ERROR_RESPONSES } from '../schemas.ts'
import { ErasureListQuery, ErasureListSchema } from '../schemas-erasure.ts'

export const listErasures: Route = (context) => {
  const { app, holdfast } = context
  const schema = { querystring: ErasureListQuery, response: { 200: ErasureListSchema, ...ERROR_RESPONSES } }
  app.get('/erasures', endpoint(context, 'listErasures', schema), async ({ query: { scope } }, reply) => {
    const entries = await holdfast.erasures.list({ scope, signal: whileWanted(context, reply) })
    return { erasures: entries.map(({ id, at, store, entity, table, by, reason }) => ({ id, at, store, entity, table, by, reason })) }
  })
}
