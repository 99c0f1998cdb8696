import type { ConsistencyLevel, ConsistentView } from '../contracts/consistent-view.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { HookRuns } from '../hooks/index.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { ResolvedPlan } from '../plan/resolved-plan.ts'
import { scopeFilter } from '../contracts/scope-filter.ts'
import type { SourcePaces } from './source-paces.ts'

/** The views of one attempt, by store name, and what they give together. */
export interface OpenViews {
  readonly byStore: ReadonlyMap<string, ConsistentView>
  readonly level: ConsistencyLevel
  /** Earliest and latest moment of the views. */
  readonly window: { readonly from: string; readonly to: string }
  readonly warnings: readonly string[]
  close(): Promise<void>
}

export interface OpenViewsOptions extends AbortableOptions {
  /** Whose rows are seen; null in a plan without tenants. */
  readonly tenant: string | null
  readonly paces: SourcePaces
  readonly hooks: HookRuns
  /** For the hooks: the session was begun before. */
  readonly resumed: boolean
}

const RANK: Record<ConsistencyLevel, number> = { fuzzy: 0, entity: 1, snapshot: 2 }

/**
 * Opens one view a store, all or none, while the hooks keep the application at rest.
 *
 * @throws HoldfastError `E_CONSISTENCY` when the plan requires more than the views give together, `E_STORE_UNKNOWN`, `E_HOOK`, and whatever the stores throw.
 */
export async function openViews(plan: ResolvedPlan, stores: readonly EntityStore[], options: OpenViewsOptions): Promise<OpenViews> {
  const { hooks, resumed, tenant, signal } = options
  const run = { planId: plan.id, scope: tenant, resumed }
  let views: OpenViews
  try {
    await hooks.before('beforeView', run, { signal })
    views = await openAllViews(plan, stores, options)
  } catch (error) {
    await hooks.after('afterView', { ...run, opened: false })
    throw error
  }
  const warnings = await hooks.after('afterView', { ...run, opened: true })
  return { ...views, warnings: [...views.warnings, ...warnings] }
}

async function openAllViews(plan: ResolvedPlan, stores: readonly EntityStore[], options: OpenViewsOptions): Promise<OpenViews> {
  const names = [...new Set(plan.entities.map((entity) => entity.store))]
  const required = plan.policy.requireConsistency
  if (names.length > 1) assertReached(required, 'entity', names)

  const opening = names.map((name) => {
    const entities = plan.entities.filter((entity) => entity.store === name)
    const selection = entities.map(({ entity, ignore, sensitive, cursor, owner }) => ({
      entity,
      ignore,
      sensitive,
      ...(cursor === undefined ? {} : { cursor }),
      ...scopeFilter(owner, options.tenant),
    }))
    return storeOf(stores, name).openView({ entities: selection, parallel: plan.policy.concurrency, pace: options.paces.of(name), signal: options.signal })
  })
  const opened = await Promise.allSettled(opening)
  const views = opened.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const close = async () => {
    const failed = (await Promise.allSettled(views.map((view) => view.close()))).find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }
  try {
    const refused = opened.find((outcome) => outcome.status === 'rejected')
    if (refused) throw refused.reason
    assertWhole(plan, views)
    const level = levelOf(views)
    assertReached(required, level, names)
    const times = views.map((view) => view.at).sort()
    return {
      byStore: new Map(views.map((view) => [view.store, view])),
      level,
      window: { from: times[0]!, to: times.at(-1)! },
      warnings: [...warningsOf(views), ...nobodysRows(plan, views)],
      close,
    }
  } catch (error) {
    await close().catch(() => {}) // the first error is the one to know
    throw error
  }
}

function storeOf(stores: readonly EntityStore[], name: string): EntityStore {
  const store = stores.find((candidate) => candidate.name === name)
  if (store) return store
  throw new HoldfastError('E_STORE_UNKNOWN', `no entity store ${name}; there is ${stores.map((known) => known.name).join(', ') || 'none'}`)
}

function assertWhole(plan: ResolvedPlan, views: readonly ConsistentView[]): void {
  for (const { store, entity } of plan.entities) {
    if (views.some((view) => view.store === store && view.entities.some((descriptor) => descriptor.name === entity))) continue
    throw new HoldfastError('E_ENTITY_UNKNOWN', `entity store ${store} gave no view of ${entity}`)
  }
}

/** Views of several databases are fixed one after another, so together they are never one state. */
function levelOf(views: readonly ConsistentView[]): ConsistencyLevel {
  const levels = views.map((view) => view.consistency.level)
  if (views.length > 1) levels.push('entity')
  return levels.reduce((lowest, level) => (RANK[level] < RANK[lowest] ? level : lowest), 'snapshot')
}

function warningsOf(views: readonly ConsistentView[]): readonly string[] {
  const warnings: string[] = []
  if (views.length > 1) {
    warnings.push(`Each of the ${views.length} entity stores is consistent in itself; between them up to the whole window may lie.`)
  }
  for (const { store, consistency } of views) {
    if (consistency.level !== 'snapshot') warnings.push(`Entity store ${store} reached only the level ${consistency.level} (${consistency.method}).`)
  }
  return warnings
}

/** A row whose way to a tenant begins with NULL is nobody's. */
function nobodysRows({ entities }: ResolvedPlan, views: readonly ConsistentView[]): readonly string[] {
  return entities.flatMap(({ store, entity, owner }) => {
    if (!owner) return []
    const fields = views.find((view) => view.store === store)?.entities.find(({ name }) => name === entity)?.fields ?? []
    const first = owner.path[0]?.fields ?? [owner.field]
    const open = fields.filter(({ path, nullable }) => nullable && first.includes(path)).map(({ path }) => path)
    return open.length === 0 ? [] : [`${entity}: rows in which ${open.join(', ')} is NULL belong to no tenant, and are in no tenant's snapshot.`]
  })
}

function assertReached(required: ConsistencyLevel | null, reached: ConsistencyLevel, stores: readonly string[]): void {
  if (required === null || RANK[reached] >= RANK[required]) return
  throw new HoldfastError('E_CONSISTENCY', `the plan requires ${required}; ${stores.join(', ')} together give ${reached}`, {
    details: { required, reached, stores },
  })
}
