import { endpoint, type Route, whileWanted } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, NoBody } from '../schemas.ts'
import { VerifyQuery, VerifySchema } from '../schemas-snapshot.ts'

/** Answers when it is done, damages or not; it stops when the client leaves. */
export const verifySnapshot: Route = (context) => {
  const { app, holdfast } = context
  const schema = { params: IdParams, querystring: VerifyQuery, body: NoBody, response: { 200: VerifySchema, ...ERROR_RESPONSES } }
  app.post('/snapshots/:id/verify', endpoint(context, 'verifySnapshot', schema), async ({ params, query: { level = 'plain', scope } }, reply) =>
    holdfast.discovery.verify(params.id, { level, scope, signal: whileWanted(context, reply) }),
  )
}
