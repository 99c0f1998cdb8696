import { canonicalJson } from '../../../src/kernel/canonical-json.ts'
import { findBackup, startedBackup } from '../backup-view.ts'
import { IdempotentStarts } from '../idempotent-starts.ts'
import { scopeQuery } from '../request-scope.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, ScopeQuery } from '../schemas.ts'
import { IdempotencyHeaders, StartBackupBody, StartedBackupSchema } from '../schemas-backup.ts'

/** Answers once the views are open, so that what cannot be backed up is refused here. The backup goes on when the client leaves. */
export const startBackup: Route = (context) => {
  const { app, holdfast } = context
  const starts = new IdempotentStarts()
  const schema = { headers: IdempotencyHeaders, querystring: ScopeQuery, body: StartBackupBody, response: { 202: StartedBackupSchema, ...ERROR_RESPONSES } }

  app.post('/backups', endpoint(context, 'startBackup', schema), async ({ body, headers, query: { scope } }, reply) => {
    const start = () =>
      holdfast.backups.start(body.plan, {
        metadata: body.metadata ?? {},
        scope,
        ...(body.kind === undefined ? {} : { kind: body.kind }),
        ...(body.series === undefined ? {} : { series: body.series }),
        ...(body.source === undefined ? {} : { source: body.source }),
      })
    const key = headers['idempotency-key']
    const session = key === undefined ? await start() : await starts.run(JSON.stringify([scope ?? null, key]), canonicalJson(body), start)
    reply.code(202).header('location', `${app.prefix}/backups/${session.id}${scopeQuery(scope)}`)
    const known = holdfast.backups.session(session.id)
    return known ? startedBackup(known) : { ...(await findBackup(holdfast, session.id, scope)), token: session.token }
  })
}
