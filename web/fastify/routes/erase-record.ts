import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { EntityKey } from '../../../src/contracts/entity-key.ts'
import { endpoint, type Route, whileWanted } from '../route-context.ts'
import { ERROR_RESPONSES, ScopeQuery } from '../schemas.ts'
import { EraseBody, ErasureSchema } from '../schemas-erasure.ts'

/** Answers when it is done. Ended because the client left, a rewrite goes on when it is asked for again. */
export const eraseRecord: Route = (context) => {
  const { app, holdfast } = context
  const schema = { querystring: ScopeQuery, body: EraseBody, response: { 200: ErasureSchema, ...ERROR_RESPONSES } }
  app.post('/erasures', endpoint(context, 'eraseRecord', schema), async ({ body, query: { scope } }, reply) => {
    const { entity, key, confirm, ...options } = body
    if (!options.dryRun && confirm !== entity) {
      throw new HoldfastError('E_REQUEST', '`confirm` is not the name of the entity', {
        hint: 'An erasure cannot be taken back. Look first with `rewrite: true, dryRun: true`, then repeat the entity as `confirm`.',
      })
    }
    return holdfast.erasures.erase(entity, key as EntityKey, { ...options, scope, signal: whileWanted(context, reply) })
  })
}
