import type { PlannedRow } from '../../../src/restore/index.ts'
import { endpoint, type Route, whileWanted } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams } from '../schemas.ts'
import { PlanRowsQuery, PlanRowsSchema } from '../schemas-restore-plan.ts'

const DEFAULT_LIMIT = 1000

/** Names records by their keys, so it takes the right to control although it changes nothing. */
export const listRestorePlanRows: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: PlanRowsQuery, response: { 200: PlanRowsSchema, ...ERROR_RESPONSES } }
  app.get('/restore-plans/:id/rows', endpoint(context, 'listRestorePlanRows', schema), async ({ params, query }, reply) => {
    const { offset = 0, limit = DEFAULT_LIMIT, scope } = query
    const rows: PlannedRow[] = []
    let at = 0
    for await (const row of holdfast.restores.planRows(params.id, { scope, signal: whileWanted(context, reply) })) {
      if (at++ < offset) continue
      if (rows.length === limit) return { rows, next: offset + limit }
      rows.push(row)
    }
    return { rows, next: null }
  })
}
