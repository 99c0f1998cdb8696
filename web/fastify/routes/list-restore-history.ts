import { resultView } from '../restore-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES } from '../schemas.ts'
import { RestoreHistoryQuery, RestoreHistorySchema } from '../schemas-restore.ts'

/** Every restore listed is one read. */
const DEFAULT_LIMIT = 100

export const listRestoreHistory: Route = (context) => {
  const { app, holdfast, gate } = context
  const schema = { querystring: RestoreHistoryQuery, response: { 200: RestoreHistorySchema, ...ERROR_RESPONSES } }
  app.get('/restore-history', endpoint(context, 'listRestoreHistory', schema), async (request, reply) => {
    const records = await gate.mayControl(request, reply)
    const results = await holdfast.restores.history({ limit: request.query.limit ?? DEFAULT_LIMIT, scope: request.query.scope })
    return { restores: results.map((result) => resultView(result, records)) }
  })
}
