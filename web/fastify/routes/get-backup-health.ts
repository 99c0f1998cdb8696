import { endpoint, type Route, type RouteContext } from '../route-context.ts'
import { ERROR_RESPONSES, ScopeQuery } from '../schemas.ts'
import { type HealthView, HealthSchema, UnhealthySchema } from '../schemas-health.ts'

/** What a probe needs to know: is there a snapshot of each plan that is young enough? A storage that cannot be read is no answer but an error. */
export const getBackupHealth: Route = (context) => {
  const { app } = context
  const running = new Map<string | null, Promise<HealthView>>()
  const schema = { querystring: ScopeQuery, response: { 200: HealthSchema, ...ERROR_RESPONSES, 503: UnhealthySchema } }

  app.get('/health', endpoint(context, 'getBackupHealth', schema), async ({ query: { scope = null } }, reply) => {
    // Many probes are one look: each reads manifests from the storage.
    const look = running.get(scope) ?? healthOf(context, scope).finally(() => running.delete(scope))
    running.set(scope, look)
    const health = await look
    return reply.code(health.healthy ? 200 : 503).send(health)
  })
}

async function healthOf({ holdfast, settings }: RouteContext, scope: string | null): Promise<HealthView> {
  const plans: HealthView['plans'][number][] = []
  for (const { id } of holdfast.plans.list()) {
    // A plan with tenants has snapshots of each, and none without.
    if ((holdfast.plans.resolved(id).scope === undefined) !== (scope === null)) continue
    const [newest] = await holdfast.discovery.snapshots({ plan: id, limit: 1, scope: scope ?? undefined })
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
