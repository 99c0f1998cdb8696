import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, ScopeQuery } from '../schemas.ts'
import { RestoreListSchema } from '../schemas-restore.ts'

export const listRestores: Route = (context) => {
  const { app, holdfast } = context
  app.get(
    '/restores',
    endpoint(context, 'listRestores', { querystring: ScopeQuery, response: { 200: RestoreListSchema, ...ERROR_RESPONSES } }),
    async ({ query: { scope = null } }) => ({
      restores: holdfast.restores
        .sessions()
        .filter((session) => session.scope === scope)
        .map(({ id, snapshotId, planId, dryRun, state, current: { phase, percent, records, remainingMs } }) => ({
          id,
          snapshotId,
          planId,
          dryRun,
          state,
          phase,
          percent,
          records,
          remainingMs,
        })),
    }),
  )
}
