import { scopeQuery } from '../request-scope.ts'
import { restoreView } from '../restore-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, ScopeQuery } from '../schemas.ts'
import { RestoreSchema } from '../schemas-restore.ts'
import { ApplyPlanBody } from '../schemas-restore-plan.ts'

/** The restore goes on when the client leaves. */
export const applyRestorePlan: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: ScopeQuery, body: ApplyPlanBody, response: { 202: RestoreSchema, ...ERROR_RESPONSES } }
  app.post(
    '/restore-plans/:id/apply',
    endpoint(context, 'applyRestorePlan', schema),
    async ({ params, body: { hash, ...options }, query: { scope } }, reply) => {
      const session = await holdfast.restores.startApply({ planId: params.id, hash }, { ...options, scope })
      reply.code(202).header('location', `${app.prefix}/restores/${session.id}${scopeQuery(session.scope)}`)
      return restoreView(session, true)
    },
  )
}
