import { type Manifest, PIN_LIFETIME_MS, SESSION_LIFETIME_MS } from '../archive/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { PruneReason } from './prune-report.ts'
import type { SnapshotGroup, Survey } from './survey.ts'

/** A session is taken for open this much longer than it can commit: its commit may be under way, and clocks differ. */
const SESSION_MARGIN_MS = 24 * 60 * 60 * 1000

/** What a prune must know of a snapshot. */
export interface SnapshotFacts {
  readonly id: string
  readonly survey: Survey
  readonly hidden: boolean
  readonly plan: string
  readonly series: string
  readonly viewAt: string
  readonly committedAt: string
  /** Every chunk is listed, in its size. */
  readonly whole: boolean
  /** Names of its chunks, and their bytes with their indexes. */
  readonly chunks: ReadonlyMap<string, number>
  readonly metadata: Readonly<Record<string, string>>
  /** By `discovery.hold`. */
  readonly held: boolean
  /** The snapshot in whose place it stands. */
  readonly replaces: string | null
}

export interface Marks {
  /**
   * Names of chunks that something refers to. Over all buckets: a chunk of that name is kept in every one of them, so nothing hangs on which bucket a
   * manifest means by a name.
   */
  readonly chunks: ReadonlySet<string>
  /** By snapshot id. Of hidden ones only those that can be read: no other could be restored. */
  readonly facts: ReadonlyMap<string, SnapshotFacts>
  readonly openSessions: ReadonlySet<string>
  /** Hidden snapshots that stay for now. */
  readonly held: ReadonlyMap<string, PruneReason>
}

export interface MarkOptions extends AbortableOptions {
  /** Series of which not even the newest hidden snapshot stays. */
  readonly endedSeries?: readonly string[] | undefined
}

/**
 * Reads everything that can refer to a chunk: all manifests that are not hidden, the journals of open sessions with the snapshots they build on, and the hidden snapshots
 * that must stay. What cannot be read throws, and nothing may be deleted.
 */
export async function mark(surveys: readonly Survey[], { endedSeries = [], ...options }: MarkOptions): Promise<Marks> {
  const chunks = new Set<string>()
  const held = new Map<string, PruneReason>()
  const facts = new Map<string, SnapshotFacts>()
  const openSessions = new Set<string>()
  const byBucket = new Map(surveys.flatMap((survey) => survey.buckets.map((bucket) => [bucket, survey] as const)))

  for (const survey of surveys) {
    for (const [id, group] of survey.snapshots) {
      throwIfAborted(options.signal)
      const manifest = await readManifest(survey, id, group, options)
      if (!manifest) continue
      const fact = factsOf(manifest, survey, group, byBucket)
      facts.set(id, fact)
      if (!fact.hidden) for (const name of fact.chunks.keys()) chunks.add(name)
      else if (isFuture(fact, group)) held.set(id, 'future')
    }
  }
  for (const id of newestOfDyingSeries([...facts.values()])) if (!endedSeries.includes(facts.get(id)!.series)) held.set(id, 'newest-of-series')
  for (const survey of surveys) {
    for (const parent of await markSessions(survey, chunks, openSessions, options)) held.set(parent, 'open-session')
    for (const { snapshotId, storedAt } of survey.pins) if (survey.now - storedAt <= PIN_LIFETIME_MS) held.set(snapshotId, 'pinned')
    for (const id of survey.holds) held.set(id, 'held')
  }
  for (const id of held.keys()) for (const name of facts.get(id)?.chunks.keys() ?? []) chunks.add(name)
  return { chunks, facts, openSessions, held }
}

async function readManifest({ scope }: Survey, id: string, { manifestAt, hiddenAt }: SnapshotGroup, options: AbortableOptions): Promise<Manifest | null> {
  if (manifestAt === null) return null
  try {
    return await scope.readManifest(id, { ...options, evenHidden: true })
  } catch (error) {
    // A hidden snapshot that cannot be read cannot be restored either. Hiding a damaged one is the way to let prune go on.
    if (hiddenAt !== null && isHoldfastError(error) && error.code.startsWith('E_ARCHIVE_')) return null
    throw error
  }
}

function factsOf(manifest: Manifest, survey: Survey, { hiddenAt }: SnapshotGroup, byBucket: ReadonlyMap<string, Survey>): SnapshotFacts {
  const chunks = new Map<string, number>()
  let whole = true
  for (const { bucket, ranges } of manifest.entities) {
    const stored = byBucket.get(bucket)?.chunks
    for (const { name, storedBytes, index } of ranges.flatMap(({ layers }) => layers)) {
      chunks.set(name, storedBytes + index.storedBytes)
      whole &&= stored?.get(name)?.bytes === storedBytes + index.storedBytes
    }
  }
  const { viewAt, committedAt } = manifest.times
  const { snapshotId: id, plan, series, metadata } = manifest
  const held = survey.holds.has(id)
  const replaces = manifest.replaces?.snapshotId ?? null
  return { id, survey, hidden: hiddenAt !== null, plan: plan.id, series, viewAt, committedAt, whole, chunks, metadata, held, replaces }
}

/** Ids of snapshots in whose place visible, whole ones stand: nothing is lost with them. */
export function replacedSnapshots(facts: Iterable<SnapshotFacts>): ReadonlySet<string> {
  const replaced = new Set<string>()
  const all = [...facts]
  const standsIn = new Map(all.flatMap((fact) => (fact.replaces === null ? [] : [[fact.replaces, fact] as const])))
  for (const { id } of all) {
    let last = standsIn.get(id)
    for (let next = last; next; next = standsIn.get(next.id)) last = next
    if (last && !last.hidden && last.whole) replaced.add(id)
  }
  return replaced
}

/** Dated after the storage's now, by whichever clock: then it is not known how old it is. */
function isFuture({ survey, committedAt }: SnapshotFacts, { manifestAt, hiddenAt }: SnapshotGroup): boolean {
  return [manifestAt ?? 0, hiddenAt ?? 0, Date.parse(committedAt) - CLOCK_SKEW_MS].some((time) => time > survey.now)
}

/** How far the clocks of hosts and storages may be apart. */
export const CLOCK_SKEW_MS = 5 * 60 * 1000

/** Of each series without a visible, whole snapshot: the newest hidden one that is whole. It may be the last that can still be restored. */
function newestOfDyingSeries(facts: readonly SnapshotFacts[]): string[] {
  const series = Map.groupBy(
    facts.filter(({ whole }) => whole),
    (fact) => `${fact.survey.repository.id} ${fact.series}`,
  )
  return [...series.values()]
    .filter((snapshots) => snapshots.every(({ hidden }) => hidden))
    .map((snapshots) => snapshots.reduce((newest, next) => (isNewer(next, newest) ? next : newest)).id)
}

function isNewer(a: SnapshotFacts, b: SnapshotFacts): boolean {
  const difference = Date.parse(a.viewAt) - Date.parse(b.viewAt)
  return difference === 0 ? a.id > b.id : difference > 0
}

/** Marks what open sessions have stored, and gives the snapshots that they build on. */
async function markSessions(survey: Survey, chunks: Set<string>, open: Set<string>, options: AbortableOptions): Promise<string[]> {
  const { scope, sessions, snapshots, now } = survey
  const parents: string[] = []
  for (const [id, { recordAt }] of sessions) {
    const snapshot = snapshots.get(id)
    const ended = snapshot !== undefined && (snapshot.manifestAt !== null || snapshot.hiddenAt !== null)
    if (ended || recordAt === null || isExpired(recordAt, now)) continue
    throwIfAborted(options.signal)
    const { entries } = await scope.sessions.readJournal(id, options)
    open.add(id)
    if (entries.some(({ type }) => type === 'cancelled')) continue
    for (const { range } of entries.flatMap(({ ranges = [] }) => ranges)) for (const { name } of range.layers) chunks.add(name)
    const { parent } = await scope.sessions.read(id, options)
    if (parent !== null) parents.push(parent)
  }
  return parents
}

/** Can a session whose record was stored then no longer commit, whatever its process believes? */
export function isExpired(storedAt: number, now: number): boolean {
  return now - storedAt > SESSION_LIFETIME_MS + SESSION_MARGIN_MS
}

/** What kept the prune from knowing all that is needed. Failures of the storage stay as they are: they may pass. */
export function refuseUnreadable(error: unknown): unknown {
  if (!isHoldfastError(error) || !(error.code.startsWith('E_ARCHIVE_') || error.code === 'E_SNAPSHOT_UNKNOWN')) return error
  return new HoldfastError('E_PRUNE_REFUSED', `nothing was deleted, because not everything could be read: ${error.message}`, {
    cause: error,
    hint: 'Delete the damaged snapshot (`discovery.delete`), restore the object from a copy, or wait until its session has expired; then prune again.',
    details: { ...error.details, code: error.code },
  })
}
