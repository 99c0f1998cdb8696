import { scopeQuery } from '../request-scope.ts'
import { restoreView } from '../restore-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, TargetScopeQuery } from '../schemas.ts'
import { RestoreSchema } from '../schemas-restore.ts'
import { PlanRestoreBody } from '../schemas-restore-plan.ts'

/** The restore that it answers with is the dry run; the plan has its id, and is there when that is done. */
export const planRestore: Route = (context) => {
  const { app, holdfast } = context
  const schema = { querystring: TargetScopeQuery, body: PlanRestoreBody, response: { 202: RestoreSchema, ...ERROR_RESPONSES } }
  app.post(
    '/restore-plans',
    endpoint(context, 'planRestore', schema),
    async ({ body: { expiresAfterMs, ...request }, query: { scope, targetScope } }, reply) => {
      const session = await holdfast.restores.startPlan({ ...request, scope, targetScope }, expiresAfterMs === undefined ? {} : { expiresAfterMs })
      reply.code(202).header('location', `${app.prefix}/restores/${session.id}${scopeQuery(session.scope)}`)
      return restoreView(session, true)
    },
  )
}
