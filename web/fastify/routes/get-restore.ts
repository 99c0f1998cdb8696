import { findRestore } from '../restore-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, ScopeQuery } from '../schemas.ts'
import { RestoreSchema } from '../schemas-restore.ts'

export const getRestore: Route = (context) => {
  const { app, holdfast, gate } = context
  const schema = { params: IdParams, querystring: ScopeQuery, response: { 200: RestoreSchema, ...ERROR_RESPONSES } }
  app.get('/restores/:id', endpoint(context, 'getRestore', schema), async (request, reply) =>
    findRestore(holdfast, request.params.id, { scope: request.query.scope, records: await gate.mayControl(request, reply) }),
  )
}
