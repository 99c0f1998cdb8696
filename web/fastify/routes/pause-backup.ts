import { ownBackup } from '../backup-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, NoBody, ScopeQuery } from '../schemas.ts'
import { PausedSchema } from '../schemas-backup.ts'

export const pauseBackup: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: ScopeQuery, body: NoBody, response: { 200: PausedSchema, ...ERROR_RESPONSES } }
  app.post('/backups/:id/pause', endpoint(context, 'pauseBackup', schema), async ({ params, query: { scope } }) => {
    const session = ownBackup(holdfast, params.id, scope)
    const token = await session.pause()
    return { id: session.id, state: session.state, token }
  })
}
