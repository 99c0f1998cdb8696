import type { CauseClass } from '../../../src/contracts/restore-target.ts'
import { scopeQuery } from '../request-scope.ts'
import { restoreView } from '../restore-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, ScopeQuery } from '../schemas.ts'
import { ReplayRestoreBody, RestoreSchema } from '../schemas-restore.ts'

/** The replay is a restore of its own, and goes on when the client leaves. */
export const replayRestore: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: ScopeQuery, body: ReplayRestoreBody, response: { 202: RestoreSchema, ...ERROR_RESPONSES } }
  app.post('/restores/:id/replay', endpoint(context, 'replayRestore', schema), async ({ params, body, query: { scope } }, reply) => {
    const { causes, ...request } = body ?? {}
    const only = causes && { only: ({ cause }: { readonly cause: CauseClass }) => causes.some((one) => one === cause) }
    const session = await holdfast.restores.startReplay(params.id, { ...request, ...only }, { scope })
    reply.code(202).header('location', `${app.prefix}/restores/${session.id}${scopeQuery(session.scope)}`)
    return restoreView(session, true)
  })
}
