import { findRestore } from '../restore-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, ScopeQuery } from '../schemas.ts'
import { DiagnosticsSchema } from '../schemas-restore.ts'

/** Names records by their keys, so it takes the right to control although it changes nothing. */
export const getRestoreDiagnostics: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: ScopeQuery, response: { 200: DiagnosticsSchema, ...ERROR_RESPONSES } }
  app.get('/restores/:id/diagnostics', endpoint(context, 'getRestoreDiagnostics', schema), async ({ params: { id }, query: { scope } }) => {
    const kept = await holdfast.restores.diagnostics(id, { scope })
    if (kept) return kept
    const { snapshotId, planId, error, result, progress } = await findRestore(holdfast, id, { scope, records: true })
    const at = progress?.at ?? result?.startedAt ?? new Date().toISOString()
    return { restoreId: id, snapshotId, planId, at, code: error?.code ?? null, total: 0, causes: {}, entries: [] }
  })
}
