import { HoldfastError } from '../../../src/kernel/errors.ts'
import { restoreView } from '../restore-view.ts'
import { scopeQuery } from '../request-scope.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, TargetScopeQuery } from '../schemas.ts'
import { RestoreSchema, StartRestoreBody } from '../schemas-restore.ts'

/** The restore goes on when the client leaves. */
export const startRestore: Route = (context) => {
  const { app, holdfast } = context
  const schema = { querystring: TargetScopeQuery, body: StartRestoreBody, response: { 202: RestoreSchema, ...ERROR_RESPONSES } }
  app.post('/restores', endpoint(context, 'startRestore', schema), async ({ body: { confirm, ...request }, query: { scope, targetScope } }, reply) => {
    if (!request.dryRun && confirm !== request.snapshot) {
      throw new HoldfastError('E_REQUEST', '`confirm` is not the id of the snapshot', {
        hint: 'A restore writes. Look first with `dryRun: true`, then repeat the id of the snapshot as `confirm`.',
      })
    }
    const session = await holdfast.restores.start({ ...request, scope, targetScope })
    reply.code(202).header('location', `${app.prefix}/restores/${session.id}${scopeQuery(session.scope)}`)
    return restoreView(session, true)
  })
}
