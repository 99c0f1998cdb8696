import { endpoint, type Route, whileWanted } from '../route-context.ts'
import { ERROR_RESPONSES } from '../schemas.ts'
import { AuditQuery, AuditSchema } from '../schemas-audit.ts'

/** Every entry listed is one read. */
const DEFAULT_LIMIT = 100

export const listAudit: Route = (context) => {
  const { app, holdfast } = context
  const schema = { querystring: AuditQuery, response: { 200: AuditSchema, ...ERROR_RESPONSES } }
  app.get('/audit', endpoint(context, 'listAudit', schema), async ({ query: { limit = DEFAULT_LIMIT, scope } }, reply) => ({
    entries: [...(await holdfast.discovery.audit({ limit, scope, signal: whileWanted(context, reply) }))],
  }))
}
