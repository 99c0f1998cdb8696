import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, ScopeQuery } from '../schemas.ts'
import { BackupListSchema } from '../schemas-backup.ts'

export const listBackups: Route = (context) => {
  const { app, holdfast } = context
  app.get(
    '/backups',
    endpoint(context, 'listBackups', { querystring: ScopeQuery, response: { 200: BackupListSchema, ...ERROR_RESPONSES } }),
    async ({ query: { scope = null } }) => ({
      backups: holdfast.backups
        .sessions()
        .filter((session) => session.scope === scope)
        .map(({ id, planId, state, current: { phase, percent, records, remainingMs } }) => ({ id, planId, state, phase, percent, records, remainingMs })),
    }),
  )
}
