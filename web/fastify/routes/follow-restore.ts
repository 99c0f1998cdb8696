import { ownRestore } from '../restore-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, ScopeQuery } from '../schemas.ts'
import { EVENT_RESPONSES, EventHeaders } from '../schemas-events.ts'

export const followRestore: Route = (context) => {
  const { app, holdfast, streams } = context
  const schema = { params: IdParams, querystring: ScopeQuery, headers: EventHeaders, response: { ...EVENT_RESPONSES, ...ERROR_RESPONSES } }
  app.get('/restores/:id/events', { ...endpoint(context, 'followRestore', schema), exposeHeadRoute: false }, (request, reply) => {
    streams.send(reply, ownRestore(holdfast, request.params.id, request.query.scope), request.headers['last-event-id'])
  })
}
