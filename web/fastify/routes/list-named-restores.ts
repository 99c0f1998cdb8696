import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, NoQuery } from '../schemas.ts'
import { NamedRestoreListSchema } from '../schemas-restore.ts'

export const listNamedRestores: Route = (context) => {
  const { app, holdfast } = context
  const schema = { querystring: NoQuery, response: { 200: NamedRestoreListSchema, ...ERROR_RESPONSES } }
  app.get('/restores/named', endpoint(context, 'listNamedRestores', schema), async () => ({
    restores: holdfast.restores.listNamed().map(({ id, description, plan }) => ({ id, description, plan })),
  }))
}
