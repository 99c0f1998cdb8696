import { canonicalJson } from '../../../src/kernel/canonical-json.ts'
import { findBackup, startedBackup } from '../backup-view.ts'
import { IdempotentStarts } from '../idempotent-starts.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, NoQuery } from '../schemas.ts'
import { IdempotencyHeaders, StartBackupBody, StartedBackupSchema } from '../schemas-backup.ts'

/** Answers once the views are open, so that what cannot be backed up is refused here. The backup goes on when the client leaves. */
export const startBackup: Route = (context) => {
  const { app, holdfast } = context
  const starts = new IdempotentStarts()
  const schema = { headers: IdempotencyHeaders, querystring: NoQuery, body: StartBackupBody, response: { 202: StartedBackupSchema, ...ERROR_RESPONSES } }

  app.post('/backups', endpoint(context, 'startBackup', schema), async ({ body, headers }, reply) => {
    const start = () =>
      holdfast.backups.start(body.plan, {
        metadata: body.metadata ?? {},
        ...(body.kind === undefined ? {} : { kind: body.kind }),
        ...(body.series === undefined ? {} : { series: body.series }),
        ...(body.source === undefined ? {} : { source: body.source }),
      })
    const key = headers['idempotency-key']
    const session = key === undefined ? await start() : await starts.run(key, canonicalJson(body), start)
    reply.code(202).header('location', `${app.prefix}/backups/${session.id}`)
    const known = holdfast.backups.session(session.id)
    return known ? startedBackup(known) : { ...(await findBackup(holdfast, session.id)), token: session.token }
  })
}
