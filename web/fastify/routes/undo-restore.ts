import { scopeQuery } from '../request-scope.ts'
import { restoreView } from '../restore-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, ScopeQuery } from '../schemas.ts'
import { RestoreSchema, UndoRestoreBody } from '../schemas-restore.ts'

/** The undo is a restore of its own, and goes on when the client leaves. */
export const undoRestore: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: ScopeQuery, body: UndoRestoreBody, response: { 202: RestoreSchema, ...ERROR_RESPONSES } }
  app.post('/restores/:id/undo', endpoint(context, 'undoRestore', schema), async ({ params, body, query: { scope } }, reply) => {
    const session = await holdfast.restores.startUndo(params.id, body ?? {}, { scope })
    reply.code(202).header('location', `${app.prefix}/restores/${session.id}${scopeQuery(session.scope)}`)
    return restoreView(session, true)
  })
}
