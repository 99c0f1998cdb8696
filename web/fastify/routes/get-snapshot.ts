import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, ScopeQuery } from '../schemas.ts'
import { SnapshotSchema } from '../schemas-snapshot.ts'
import { snapshotView } from '../snapshot-view.ts'

export const getSnapshot: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: ScopeQuery, response: { 200: SnapshotSchema, ...ERROR_RESPONSES } }
  app.get('/snapshots/:id', endpoint(context, 'getSnapshot', schema), async ({ params, query: { scope } }) =>
    snapshotView(await holdfast.discovery.snapshot(params.id, { scope })),
  )
}
