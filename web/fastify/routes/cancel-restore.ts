import { ownRestore, restoreView } from '../restore-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, NoBody, ScopeQuery } from '../schemas.ts'
import { RestoreSchema } from '../schemas-restore.ts'

/** Answers when nothing runs any more. A restore that had committed before it could be stopped says so: its state is `done`. */
export const cancelRestore: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: ScopeQuery, body: NoBody, response: { 200: RestoreSchema, ...ERROR_RESPONSES } }
  app.post('/restores/:id/cancel', endpoint(context, 'cancelRestore', schema), async ({ params, query: { scope } }) => {
    const session = ownRestore(holdfast, params.id, scope)
    await session.cancel()
    return restoreView(session, true)
  })
}
