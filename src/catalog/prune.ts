import type { Logger } from '../contracts/logger.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import type { Clock } from '../kernel/clock.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { uuidv7 } from '../kernel/ids.ts'
import { decide, type PlacePlan } from './decide.ts'
import { stillVisible, tooMuch, unseenReferrer } from './guards.ts'
import { CLOCK_SKEW_MS, mark, type MarkOptions, type Marks, refuseUnreadable } from './mark.ts'
import type { PruneReport } from './prune-report.ts'
import { reportOf } from './report-of.ts'
import { DAY_MS, KEEP_RESTORES_MS, KEEP_UNDO_MS, type RestoreKeep } from './restore-groups.ts'
import { type PrunePlace, type Survey, surveyPlace } from './survey.ts'
import { condemn, sweep } from './sweep.ts'

/** Between condemning and deleting, unless told otherwise: 24 hours. */
export const GRACE_MS = 24 * 60 * 60 * 1000

export interface PruneOptions extends AbortableOptions, RestoreKeep {
  /** Only say what would be done: nothing is written, and no refusal is thrown. Default false. */
  readonly dryRun?: boolean
  /**
   * Milliseconds between condemning and deleting, by the storage's clock. Default 24 hours. It is what protects backups, restores and other prunes that run meanwhile: with less, none
   * of them may run from the prune that condemns to the end of the one that deletes.
   */
  readonly graceMs?: number
  /** Go on when more than half of a bucket's snapshots or chunks would go. Default false: `E_PRUNE_REFUSED`. */
  readonly allowMoreThanHalf?: boolean
  /**
   * Series that were given up: when all of their snapshots were deleted, the newest one goes, too, which stays otherwise. Refused (`E_PRUNE_REFUSED`) while a snapshot of one is visible. Default: none.
   */
  readonly endedSeries?: readonly string[]
  /** Who asks, for the audit. At most 200 characters. */
  readonly by?: string | undefined
}

export interface PruneContext {
  readonly places: readonly PrunePlace[]
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Gives back the space of deleted snapshots, of backups that never came to an end, and of what restores leave once it is kept long enough. Two phases: a run condemns what nothing refers to; a later one, at least the grace
 * period after, looks again and deletes what is still so. Safe beside running backups, restores and other prunes.
 *
 * @throws HoldfastError `E_CONFIG`, `E_PRUNE_REFUSED` (with what was not safe), `E_STORAGE` …
 */
export async function prune(context: PruneContext, options: PruneOptions = {}): Promise<PruneReport> {
  const { dryRun = false, graceMs = GRACE_MS, allowMoreThanHalf = false, endedSeries = [], by, signal } = options
  const { keepUndoMs = KEEP_UNDO_MS, keepRestoresMs = KEEP_RESTORES_MS } = options
  checkOptions(options)
  throwIfAborted(signal)
  const startedAt = performance.now()
  const elapsed = () => performance.now() - startedAt
  const { logger } = context
  return atOneTime(context, { dryRun, signal }, async (begun) => {
    const { surveys, marks } = await look(begun, { endedSeries, signal }).catch((error: unknown) => Promise.reject(refuseUnreadable(error)))
    const plans = surveys.map((survey) => decide(survey, marks, graceMs, { keepUndoMs, keepRestoresMs }))
    const refused = unseenReferrer(surveys) ?? stillVisible(marks, endedSeries) ?? (allowMoreThanHalf ? null : tooMuch(plans, marks))
    if (dryRun) return reportOf(plans, { dryRun, graceMs, refused })
    if (refused) throw refusal(refused)
    for (const plan of plans) await condemn(plan, { signal })
    await noteSnapshots(plans, { by, signal })
    const report = reportOf(await sweep(plans, marks, { signal, elapsed }), { dryRun, graceMs, refused: null })
    for (const { bucket, deleted, condemned, kept } of report.buckets) logger.info({ bucket, deleted, condemned, kept }, 'pruned')
    return report
  })
}

/** A run in a place: its mark, and what the storage's clock said. */
export interface BegunRun {
  readonly id: string
  readonly now: number
}

/**
 * Does `work` with the time of every storage. Every clock is read before anything else: what appears later is protected by the lists that a prune goes by. A dry run goes by the host's clock, and
 * writes nothing.
 *
 * @throws `E_PRUNE_REFUSED` when a clock is wrong
 */
export async function atOneTime<T>(
  { places, clock, logger }: PruneContext,
  { dryRun, signal }: AbortableOptions & { readonly dryRun: boolean },
  work: (begun: ReadonlyMap<PrunePlace, BegunRun>) => Promise<T>,
): Promise<T> {
  const begun = new Map<PrunePlace, BegunRun>()
  try {
    for (const place of distinct(places)) {
      const run = dryRun ? { id: uuidv7(), now: clock.now() } : await place.repository.scope(place.scope).condemned.begin({ signal })
      begun.set(place, run)
    }
    const skewed = dryRun ? null : skewOf(begun, clock)
    if (skewed) throw refusal(skewed)
    return await work(begun)
  } finally {
    if (!dryRun) await forgetRuns(begun, logger)
  }
}

/** Before any of it goes: nothing else will tell that they were there. */
async function noteSnapshots(plans: readonly PlacePlan[], { by, signal }: Pick<PruneOptions, 'by' | 'signal'>): Promise<void> {
  for (const { survey, decisions } of plans) {
    const snapshots = decisions.filter(({ kind, action }) => kind === 'snapshot' && action === 'delete').map(({ name }) => name)
    if (snapshots.length > 0) await survey.scope.audit.write({ act: 'pruned', snapshots, by: by ?? null }, { signal })
  }
}

async function look(begun: ReadonlyMap<PrunePlace, BegunRun>, options: MarkOptions): Promise<{ surveys: Survey[]; marks: Marks }> {
  const surveys: Survey[] = []
  for (const [place, run] of begun) surveys.push(await surveyPlace(place, run, options))
  return { surveys, marks: await mark(surveys, options) }
}

/** @throws `E_CONFIG` */
export function checkOptions({ dryRun = false, graceMs = GRACE_MS, allowMoreThanHalf = false, endedSeries, ...keep }: PruneOptions): void {
  const { keepUndoMs = KEEP_UNDO_MS, keepRestoresMs = Math.max(KEEP_RESTORES_MS, keepUndoMs) } = keep
  if (typeof dryRun !== 'boolean' || typeof allowMoreThanHalf !== 'boolean')
    throw new HoldfastError('E_CONFIG', '`dryRun` and `allowMoreThanHalf` are true or false')
  if (endedSeries !== undefined && !(Array.isArray(endedSeries) && endedSeries.length > 0 && endedSeries.every((name) => typeof name === 'string')))
    throw new HoldfastError('E_CONFIG', '`endedSeries` takes names of series, at least one')
  if (!Number.isFinite(graceMs) || graceMs < 0) throw new HoldfastError('E_CONFIG', `\`graceMs\` is ${String(graceMs)}; expected milliseconds, at least 0`)
  if (!Number.isFinite(keepUndoMs) || keepUndoMs < DAY_MS)
    throw new HoldfastError(
      'E_CONFIG',
      `\`keepUndoMs\` is ${String(keepUndoMs)}; expected milliseconds, at least ${DAY_MS}: a day, so that no restore loses it while it runs`,
    )
  if (!Number.isFinite(keepRestoresMs) || keepRestoresMs < keepUndoMs)
    throw new HoldfastError('E_CONFIG', `\`keepRestoresMs\` is ${String(keepRestoresMs)}; expected milliseconds, at least \`keepUndoMs\`, ${keepUndoMs}`)
}

/** Two buckets may be the same place. */
export function distinct(places: readonly PrunePlace[]): PrunePlace[] {
  const same = Map.groupBy(places, ({ repository: { id, storage, prefix } }) => JSON.stringify([id, storage.name, prefix]))
  return [...same.values()].map(([first, ...others]) => ({ ...first!, aliases: others.map(({ bucket }) => bucket) }))
}

/** A clock that is wrong makes things old that are not. */
function skewOf(begun: ReadonlyMap<PrunePlace, { readonly now: number }>, clock: Clock): string | null {
  const now = clock.now()
  for (const [{ bucket }, run] of begun) {
    if (Math.abs(now - run.now) <= CLOCK_SKEW_MS) continue
    return `the clock of the storage of bucket "${bucket}" says ${new Date(run.now).toISOString()}, this host's ${new Date(now).toISOString()}: one of them is wrong`
  }
  return null
}

function refusal(why: string): HoldfastError {
  return new HoldfastError('E_PRUNE_REFUSED', `nothing was deleted: ${why}`)
}

/** What a killed prune leaves of these a later one removes. */
async function forgetRuns(begun: ReadonlyMap<PrunePlace, { readonly id: string }>, logger: Logger): Promise<void> {
  for (const [{ repository, scope }, { id }] of begun) {
    const { objects } = repository.scope(scope)
    await objects.delete([objects.names.condemned(id, 'run')], {}).catch((error: unknown) => {
      logger.warn({ error: String(error) }, 'the mark of a prune could not be removed')
    })
  }
}
