import { endpoint, type Route, type RouteContext } from '../route-context.ts'
import { ERROR_RESPONSES, NoQuery } from '../schemas.ts'
import { type HealthView, HealthSchema, UnhealthySchema } from '../schemas-health.ts'

/** What a probe needs to know: is there a snapshot of each plan that is young enough? A storage that cannot be read is no answer but an error. */
export const getBackupHealth: Route = (context) => {
  const { app } = context
  let running: Promise<HealthView> | null = null
  const schema = { querystring: NoQuery, response: { 200: HealthSchema, ...ERROR_RESPONSES, 503: UnhealthySchema } }

  app.get('/health', endpoint(context, 'getBackupHealth', schema), async (_request, reply) => {
    // Many probes are one look: each reads manifests from the storage.
    running ??= healthOf(context).finally(() => (running = null))
    const health = await running
    return reply.code(health.healthy ? 200 : 503).send(health)
  })
}

async function healthOf({ holdfast, settings }: RouteContext): Promise<HealthView> {
  const plans: HealthView['plans'][number][] = []
  for (const { id } of holdfast.plans.list()) {
    const [newest] = await holdfast.discovery.snapshots({ plan: id, limit: 1 })
    const maxAgeMs = settings.maxAgeMs.get(id) ?? null
    const ageMs = newest ? Math.max(0, Date.now() - Date.parse(newest.viewAt)) : null
    plans.push({
      plan: id,
      snapshotId: newest?.id ?? null,
      viewAt: newest?.viewAt ?? null,
      ageMs,
      maxAgeMs,
      healthy: maxAgeMs === null || (ageMs !== null && ageMs <= maxAgeMs),
    })
  }
  return { healthy: plans.every(({ healthy }) => healthy), plans }
}
