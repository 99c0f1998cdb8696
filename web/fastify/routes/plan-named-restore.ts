import { scopeQuery } from '../request-scope.ts'
import { restoreView } from '../restore-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, TargetScopeQuery } from '../schemas.ts'
import { NamedRestoreParams, RestoreSchema } from '../schemas-restore.ts'
import { PlanNamedRestoreBody } from '../schemas-restore-plan.ts'

/** As `planRestore`: the plan has the id of the restore that it answers with. */
export const planNamedRestore: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: NamedRestoreParams, querystring: TargetScopeQuery, body: PlanNamedRestoreBody, response: { 202: RestoreSchema, ...ERROR_RESPONSES } }
  app.post('/restore-plans/named/:name', endpoint(context, 'planNamedRestore', schema), async ({ params: { name }, query, body }, reply) => {
    const { expiresAfterMs, ...said } = body ?? {}
    const session = await holdfast.restores.startPlan(
      holdfast.restores.named(name, { ...said, ...query }),
      expiresAfterMs === undefined ? {} : { expiresAfterMs },
    )
    reply.code(202).header('location', `${app.prefix}/restores/${session.id}${scopeQuery(session.scope)}`)
    return restoreView(session, true)
  })
}
