import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, ScopeQuery } from '../schemas.ts'
import { HoldBody, HoldSchema } from '../schemas-retention.ts'

export const holdSnapshot: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: ScopeQuery, body: HoldBody, response: { 201: HoldSchema, ...ERROR_RESPONSES } }
  app.post('/snapshots/:id/holds', endpoint(context, 'holdSnapshot', schema), async ({ params, body, query: { scope } }, reply) =>
    reply.code(201).send(await holdfast.discovery.hold(params.id, { reason: body.reason, scope })),
  )
}
