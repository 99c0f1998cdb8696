import { ownBackup } from '../backup-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, ScopeQuery } from '../schemas.ts'
import { EVENT_RESPONSES, EventHeaders } from '../schemas-events.ts'

export const followBackup: Route = (context) => {
  const { app, holdfast, streams } = context
  const schema = { params: IdParams, querystring: ScopeQuery, headers: EventHeaders, response: { ...EVENT_RESPONSES, ...ERROR_RESPONSES } }
  // A HEAD of a stream would be a stream that nobody reads.
  app.get('/backups/:id/events', { ...endpoint(context, 'followBackup', schema), exposeHeadRoute: false }, (request, reply) => {
    streams.send(reply, ownBackup(holdfast, request.params.id, request.query.scope), request.headers['last-event-id'])
  })
}
