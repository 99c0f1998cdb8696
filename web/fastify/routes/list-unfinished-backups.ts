import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, ScopeQuery } from '../schemas.ts'
import { UnfinishedListSchema } from '../schemas-backup.ts'

/** Whoever has a token can go on with the session, so tokens are shown to those only who may do so anyway. */
export const listUnfinishedBackups: Route = (context) => {
  const { app, holdfast, gate } = context
  const schema = { querystring: ScopeQuery, response: { 200: UnfinishedListSchema, ...ERROR_RESPONSES } }
  app.get('/sessions', endpoint(context, 'listUnfinishedBackups', schema), async (request, reply) => {
    const withTokens = await gate.mayControl(request, reply)
    const sessions = await holdfast.discovery.unfinished({ scope: request.query.scope })
    return { sessions: sessions.map(({ token, ...session }) => (withTokens ? { ...session, token } : session)) }
  })
}
