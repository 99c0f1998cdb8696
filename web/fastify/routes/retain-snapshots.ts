import { endpoint, type Route, whileWanted } from '../route-context.ts'
import { ERROR_RESPONSES, ScopeQuery } from '../schemas.ts'
import { RetainBody, RetainSchema } from '../schemas-retention.ts'

/** Answers when it is done. Of a tenant with `scope`, else of what belongs to none: never of all. */
export const retainSnapshots: Route = (context) => {
  const { app, holdfast } = context
  const schema = { querystring: ScopeQuery, body: RetainBody, response: { 200: RetainSchema, ...ERROR_RESPONSES } }
  app.post('/retention', endpoint(context, 'retainSnapshots', schema), async ({ body, query: { scope } }, reply) =>
    holdfast.discovery.retain({ ...body, scope: scope ?? null, signal: whileWanted(context, reply) }),
  )
}
