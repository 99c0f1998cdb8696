import { startedBackup } from '../backup-view.ts'
import { scopeQuery } from '../request-scope.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, ScopeQuery } from '../schemas.ts'
import { ResumeBackupBody, StartedBackupSchema } from '../schemas-backup.ts'

/** The token comes in the body: URLs end up in logs. */
export const resumeBackup: Route = (context) => {
  const { app, holdfast } = context
  const schema = { querystring: ScopeQuery, body: ResumeBackupBody, response: { 202: StartedBackupSchema, ...ERROR_RESPONSES } }
  app.post('/backups/resume', endpoint(context, 'resumeBackup', schema), async ({ body, query: { scope } }, reply) => {
    const session = await holdfast.backups.resume(body.token, {
      takeover: body.takeover ?? false,
      scope,
      ...(body.source === undefined ? {} : { source: body.source }),
    })
    reply.code(202).header('location', `${app.prefix}/backups/${session.id}${scopeQuery(scope)}`)
    return startedBackup(session)
  })
}
