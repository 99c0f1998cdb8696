import { startedBackup } from '../backup-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, NoQuery } from '../schemas.ts'
import { ResumeBackupBody, StartedBackupSchema } from '../schemas-backup.ts'

/** The token comes in the body: URLs end up in logs. */
export const resumeBackup: Route = (context) => {
  const { app, holdfast } = context
  const schema = { querystring: NoQuery, body: ResumeBackupBody, response: { 202: StartedBackupSchema, ...ERROR_RESPONSES } }
  app.post('/backups/resume', endpoint(context, 'resumeBackup', schema), async ({ body }, reply) => {
    const session = await holdfast.backups.resume(body.token, {
      takeover: body.takeover ?? false,
      ...(body.source === undefined ? {} : { source: body.source }),
    })
    reply.code(202).header('location', `${app.prefix}/backups/${session.id}`)
    return startedBackup(session)
  })
}
