import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES } from '../schemas.ts'
import { SnapshotListQuery, SnapshotListSchema } from '../schemas-snapshot.ts'

/** Every snapshot listed is one manifest read. */
const DEFAULT_LIMIT = 100

export const listSnapshots: Route = (context) => {
  const { app, holdfast } = context
  const schema = { querystring: SnapshotListQuery, response: { 200: SnapshotListSchema, ...ERROR_RESPONSES } }
  app.get('/snapshots', endpoint(context, 'listSnapshots', schema), async ({ query: { plan, limit = DEFAULT_LIMIT, scope } }) => ({
    snapshots: [...(await holdfast.discovery.snapshots(plan === undefined ? { limit, scope } : { plan, limit, scope }))],
  }))
}
