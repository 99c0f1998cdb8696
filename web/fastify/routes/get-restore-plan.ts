import { Type } from 'typebox'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { planText } from '../../../src/restore/index.ts'
import { restorePlanView } from '../restore-plan-view.ts'
import { endpoint, type Route } from '../route-context.ts'
import { ERROR_RESPONSES, IdParams, scopeMember } from '../schemas.ts'
import { RestorePlanSchema } from '../schemas-restore-plan.ts'

const Query = Type.Object(
  { ...scopeMember, format: Type.Optional(Type.Enum(['json', 'text'], { description: '`text`: a table for people. Default `json`.' })) },
  { additionalProperties: false },
)
const Text = Type.String({ description: 'The plan for people' })

export const getRestorePlan: Route = (context) => {
  const { app, holdfast, gate } = context
  const content = { 'application/json': { schema: RestorePlanSchema }, 'text/plain': { schema: Text } }
  const schema = { params: IdParams, querystring: Query, response: { 200: { description: 'The plan', content }, ...ERROR_RESPONSES } }
  app.get('/restore-plans/:id', endpoint(context, 'getRestorePlan', schema), async (request, reply) => {
    const { id } = request.params
    const plan = await holdfast.restores.findPlan(id, { scope: request.query.scope })
    if (!plan)
      throw new HoldfastError('E_RESTORE_UNKNOWN', `there is no plan ${id} here`, { hint: 'A plan is there when its dry run is done: `GET /restores/:id`.' })
    const records = await gate.mayControl(request, reply)
    if (request.query.format !== 'text') return restorePlanView(plan, records)
    reply.type('text/plain; charset=utf-8')
    const shown = records ? plan : { ...plan, entities: plan.entities.map((entity) => ({ ...entity, samples: [] })) }
    return `${planText(shown)}\n` as never
  })
}
