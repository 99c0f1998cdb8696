import { Type } from 'typebox'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, ScopeQuery } from '../schemas.ts'
import { ReleaseBody } from '../schemas-retention.ts'

export const releaseHold: Route = (context) => {
  const { app, holdfast } = context
  const schema = {
    params: IdParams,
    querystring: ScopeQuery,
    body: ReleaseBody,
    response: { 204: Type.Null({ description: 'It is gone' }), ...ERROR_RESPONSES },
  }
  app.delete('/holds/:id', endpoint(context, 'releaseHold', schema), async ({ params, body, query: { scope } }, reply) => {
    await holdfast.discovery.release(params.id, { ...body, scope })
    return reply.code(204).send(null)
  })
}
