import { backupView, ownBackup } from '../backup-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, NoBody, ScopeQuery } from '../schemas.ts'
import { BackupSchema } from '../schemas-backup.ts'

export const cancelBackup: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: ScopeQuery, body: NoBody, response: { 200: BackupSchema, ...ERROR_RESPONSES } }
  app.post('/backups/:id/cancel', endpoint(context, 'cancelBackup', schema), async ({ params, query: { scope } }) => {
    const session = ownBackup(holdfast, params.id, scope)
    await session.cancel()
    return backupView(session)
  })
}
