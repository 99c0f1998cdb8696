import { findBackup } from '../backup-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, ScopeQuery } from '../schemas.ts'
import { BackupSchema } from '../schemas-backup.ts'

export const getBackup: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: ScopeQuery, response: { 200: BackupSchema, ...ERROR_RESPONSES } }
  app.get('/backups/:id', endpoint(context, 'getBackup', schema), async ({ params, query: { scope } }) => findBackup(holdfast, params.id, scope))
}
