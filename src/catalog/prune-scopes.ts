import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { PlacePlan } from './decide.ts'
import { checkOptions, distinct, GRACE_MS, prune, type PruneContext, type PruneOptions } from './prune.ts'
import type { PruneReport } from './prune-report.ts'
import { pruneShredded } from './prune-shredded.ts'
import { reportOf } from './report-of.ts'
import type { PrunePlace } from './survey.ts'

export interface PruneScopesOptions extends PruneOptions {
  /** Only what belongs to this tenant. Default: what belongs to none, and to each. */
  readonly scope?: string | undefined
}

/**
 * Prunes what belongs to no tenant, then what belongs to each, by itself: nothing of one tenant is referred to by another. What keeps one from being pruned keeps no other; it is thrown
 * at the end. What a tenant has stored whose keys were destroyed goes as a whole.
 *
 * @throws `E_SCOPE` when a tenant is named of which nothing is there
 */
export async function pruneScopes(context: PruneContext, { scope: only, ...options }: PruneScopesOptions = {}): Promise<PruneReport> {
  checkOptions(options)
  const { signal } = options
  const failures: unknown[] = []
  const reports: PruneReport[] = []
  for (const places of await placesByScope(context.places, only, { signal })) {
    throwIfAborted(signal)
    const scope = places[0]?.scope ?? null
    try {
      const shredded = scope === null ? null : await pruneDestroyed({ ...context, places }, scope, options)
      reports.push(shredded ?? (await prune({ ...context, places }, options)))
    } catch (error) {
      throwIfAborted(signal)
      failures.push(scope === null ? error : ofScope(error, scope))
    }
  }
  if (failures.length > 0) throw failures[0]
  return reports.reduce((all, one) => ({
    ...all,
    refused: all.refused ?? one.refused,
    buckets: [...all.buckets, ...one.buckets],
    bytesFreed: all.bytesFreed + one.bytesFreed,
  }))
}

/** Null when the tenant's keys are in none of the places destroyed. Where they are not, nothing tells what its snapshots elsewhere refer to: those objects stay. */
async function pruneDestroyed(
  { places, clock, logger }: PruneContext,
  scope: string,
  { dryRun = false, graceMs = GRACE_MS, signal }: PruneOptions,
): Promise<PruneReport | null> {
  const plans: PlacePlan[] = []
  const left: string[] = []
  for (const place of distinct(places)) {
    const plan = await pruneShredded(place, { dryRun, graceMs, now: clock.now(), signal })
    if (plan) plans.push(plan)
    else left.push(place.bucket)
  }
  if (plans.length === 0) return null
  if (left.length > 0)
    logger.warn(
      { scope, buckets: left },
      'the keys of a tenant were destroyed in other buckets, and not in these: what it has stored here is left as it is; `keys.shred` goes on',
    )
  const report = reportOf(plans, { dryRun, graceMs, refused: null })
  if (!dryRun)
    for (const { bucket, deleted, kept } of report.buckets)
      logger.info({ bucket, scope, deleted, kept }, 'pruned what a tenant had stored whose keys were destroyed')
  return report
}

/** The places of what belongs to no tenant, then those of each tenant; of one tenant alone. @throws `E_SCOPE` when a tenant is named of which nothing is there */
export async function placesByScope(
  everywhere: readonly PrunePlace[],
  only: string | null | undefined,
  options: AbortableOptions,
): Promise<readonly (readonly PrunePlace[])[]> {
  if (only === null) return [everywhere]
  const scoped = new Map<string, PrunePlace[]>()
  // The id that one bucket gives a tenant holds in all of them.
  const wanted = only === undefined ? null : everywhere.map(({ repository }) => repository.scopeOf(only).id)
  for (const place of everywhere)
    for (const id of await idsOf(place, options)) if (!wanted || wanted.includes(id)) scoped.set(id, [...(scoped.get(id) ?? []), { ...place, scope: id }])
  if (wanted && scoped.size === 0) throw new HoldfastError('E_SCOPE', 'no bucket holds anything of that tenant')
  return wanted ? [...scoped.values()] : [everywhere, ...scoped.values()]
}

async function idsOf({ repository }: PrunePlace, options: AbortableOptions): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const id of repository.scopes.list(options)) ids.push(id)
  return ids
}

function ofScope(error: unknown, scope: string): unknown {
  if (!isHoldfastError(error)) return error
  const { code, reason, hint, details } = error
  return new HoldfastError(code, `scope ${scope}: ${reason}`, { cause: error, hint, details: { ...details, scope } })
}
