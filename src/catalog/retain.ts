import { assertNotHeld } from '../archive/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { checkRetention, decideRetention, describeRetention, type RetentionLimit, type RetentionPolicy, type RetentionReason } from '../retention/index.ts'
import { CLOCK_SKEW_MS, mark, refuseUnreadable, replacedSnapshots, type SnapshotFacts } from './mark.ts'
import { placesByScope } from './prune-scopes.ts'
import { atOneTime, type PruneContext } from './prune.ts'
import { surveyPlace } from './survey.ts'

export interface RetainOptions extends AbortableOptions {
  /** What stays of each series; see `RetentionPolicy`. */
  readonly keep: RetentionPolicy
  /** Of this plan alone. Default: of all. */
  readonly plan?: string
  /** Only say what would be deleted: nothing is written, and no refusal is thrown. Default false. */
  readonly dryRun?: boolean
  /** Go on when more than half of a series would go. Default false: `E_PRUNE_REFUSED`. */
  readonly allowMoreThanHalf?: boolean
  /** Who asks, for the audit. At most 200 characters. */
  readonly by?: string | undefined
  /** Only of this tenant; null: only of what belongs to none. Default: of none, and of each. */
  readonly scope?: string | null | undefined
}

export interface RetainedSnapshot {
  readonly id: string
  /** The state that it holds. ISO 8601 UTC. */
  readonly viewAt: string
  /** Why it stays; empty for one that goes. */
  readonly reasons: readonly RetentionReason[]
  /** It goes by this limit, although a rule would keep it; else null. */
  readonly limit: RetentionLimit | null
}

export interface RetainedSeries {
  readonly bucket: string
  /** Id of the tenant's scope; null for what belongs to none. */
  readonly scope: string | null
  readonly plan: string
  readonly series: string
  /** Newest first. */
  readonly kept: readonly RetainedSnapshot[]
  readonly deleted: readonly RetainedSnapshot[]
}

export interface RetainReport {
  /** Nothing was written: `deleted` is what would be. */
  readonly dryRun: boolean
  /** Why it would refuse to do this. Only in a dry run: otherwise it is thrown (`E_PRUNE_REFUSED`). */
  readonly refused: string | null
  readonly series: readonly RetainedSeries[]
}

/**
 * Deletes the snapshots that no rule keeps: hides them, as `delete` does; their space comes back by a prune. Whole ones alone count, and of each series the newest one always stays.
 *
 * @throws `E_CONFIG`, `E_SNAPSHOT_HELD` when one was held meanwhile, `E_PRUNE_REFUSED` when a manifest cannot be read, clocks disagree, or more than half of a series would go
 */
export async function retain(context: PruneContext, options: RetainOptions): Promise<RetainReport> {
  const { keep, dryRun = false, allowMoreThanHalf = false, scope, signal } = options
  if (typeof keep !== 'object' || keep === null)
    throw new HoldfastError('E_CONFIG', '`keep` is missing: say what stays', { hint: '{ keep: { last: 7, daily: 30 } }' })
  checkRetention(keep)
  for (const flag of [dryRun, allowMoreThanHalf])
    if (typeof flag !== 'boolean') throw new HoldfastError('E_CONFIG', '`dryRun` and `allowMoreThanHalf` are true or false')
  const reports: RetainReport[] = []
  for (const places of await placesByScope(context.places, scope, { signal })) {
    throwIfAborted(signal)
    const [first] = places
    if (first?.scope !== undefined && ((await first.repository.scope(first.scope).keys?.destroyedAt({ signal })) ?? null) !== null) continue
    reports.push(await retainIn({ ...context, places }, options))
  }
  return { dryRun, refused: reports.find(({ refused }) => refused !== null)?.refused ?? null, series: reports.flatMap(({ series }) => series) }
}

async function retainIn(context: PruneContext, { keep, plan, dryRun = false, allowMoreThanHalf = false, by, signal }: RetainOptions): Promise<RetainReport> {
  return atOneTime(context, { dryRun, signal }, async (begun) => {
    const series: RetainedSeries[] = []
    const facts = await visibleFacts(begun, { signal }).catch((error: unknown) => Promise.reject(refuseUnreadable(error)))
    const wanted = facts.filter(({ plan: of }) => plan === undefined || of === plan)
    for (const group of Map.groupBy(wanted, ({ survey, plan: of, series: name }) => JSON.stringify([survey.bucket, of, name])).values()) {
      const [{ survey, plan: of, series: name }] = group as [SnapshotFacts]
      const dated = group.map(({ id, viewAt, whole, held, metadata, chunks }) => ({ id, at: Date.parse(viewAt), whole, held, metadata, chunks }))
      const verdicts = decideRetention(dated, keep, { now: survey.now, skewMs: CLOCK_SKEW_MS })
      const told = verdicts.map(({ id, reasons, limit }) => ({ id, viewAt: group.find((fact) => fact.id === id)!.viewAt, reasons, limit }))
      const [kept, deleted] = [told.filter(({ reasons }) => reasons.length > 0), told.filter(({ reasons }) => reasons.length === 0)]
      series.push({ bucket: survey.bucket, scope: survey.scope.id, plan: of, series: name, kept, deleted })
    }
    const refused = allowMoreThanHalf ? null : tooMuchOf(series)
    if (dryRun) return { dryRun, refused, series }
    if (refused !== null) throw new HoldfastError('E_PRUNE_REFUSED', `nothing was deleted: ${refused}`)
    const scopes = new Map(facts.map(({ id, survey }) => [id, survey.scope]))
    for (const { deleted, plan: of } of series)
      for (const { id } of deleted) {
        // Perhaps since it was looked at.
        await assertNotHeld(scopes.get(id)!, id, { signal })
        await scopes.get(id)!.hide(id, `retention of plan ${of}: ${describeRetention(keep)}`, { by, signal })
      }
    context.logger.info(
      { deleted: series.flatMap(({ deleted }) => deleted.map(({ id }) => id)), keep: describeRetention(keep) },
      'snapshots were deleted by retention',
    )
    return { dryRun, refused: null, series }
  })
}

async function visibleFacts(begun: Parameters<Parameters<typeof atOneTime>[2]>[0], options: AbortableOptions): Promise<readonly SnapshotFacts[]> {
  const surveys = []
  for (const [place, run] of begun) surveys.push(await surveyPlace(place, run, options))
  const { facts } = await mark(surveys, options)
  const replaced = replacedSnapshots(facts.values())
  // A rewrite that was interrupted leaves both: they are one, and the next rewrite hides the old one.
  return [...facts.values()].filter(({ hidden, id }) => !hidden && !replaced.has(id))
}

function tooMuchOf(series: readonly RetainedSeries[]): string | null {
  const excess = series.find(({ kept, deleted }) => deleted.length > kept.length)
  if (!excess) return null
  const { deleted, kept, series: name, plan } = excess
  return `${deleted.length} of ${deleted.length + kept.length} snapshots of the series "${name}" of plan ${plan} would go, which is more than half`
}
