import { HoldfastError } from '../../../src/kernel/errors.ts'
import { scopeQuery } from '../request-scope.ts'
import { restoreView } from '../restore-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, TargetScopeQuery } from '../schemas.ts'
import { NamedRestoreParams, RestoreSchema, StartNamedRestoreBody } from '../schemas-restore.ts'

/** What comes back and where it goes is the application's to say; the caller says of when. */
export const startNamedRestore: Route = (context) => {
  const { app, holdfast } = context
  const schema = {
    params: NamedRestoreParams,
    querystring: TargetScopeQuery,
    body: StartNamedRestoreBody,
    response: { 202: RestoreSchema, ...ERROR_RESPONSES },
  }
  app.post('/restores/named/:name', endpoint(context, 'startNamedRestore', schema), async ({ params: { name }, query, body: { confirm, ...said } }, reply) => {
    const request = holdfast.restores.named(name, { ...said, ...query })
    if (!said.dryRun && confirm !== name) {
      throw new HoldfastError('E_REQUEST', '`confirm` is not the name of the restore', {
        hint: 'A restore writes. Look first with `dryRun: true`, then repeat the name as `confirm`.',
      })
    }
    const session = await holdfast.restores.start(request)
    reply.code(202).header('location', `${app.prefix}/restores/${session.id}${scopeQuery(session.scope)}`)
    return restoreView(session, true)
  })
}
