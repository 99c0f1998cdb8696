import { Type } from 'typebox'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, ScopeQuery } from '../schemas.ts'
import { DeleteSnapshotBody } from '../schemas-snapshot.ts'

export const deleteSnapshot: Route = (context) => {
  const { app, holdfast } = context
  const schema = {
    params: IdParams,
    querystring: ScopeQuery,
    body: DeleteSnapshotBody,
    response: { 204: Type.Null({ description: 'It is hidden' }), ...ERROR_RESPONSES },
  }
  app.delete('/snapshots/:id', endpoint(context, 'deleteSnapshot', schema), async ({ params, body, query: { scope } }, reply) => {
    await holdfast.discovery.delete(params.id, { ...body, scope })
    return reply.code(204).send(null)
  })
}
