import { PIN_LIFETIME_MS } from '../archive/index.ts'
import { isExpired, type Marks } from './mark.ts'
import type { PruneAction, PruneItem, PruneKind, PruneReason } from './prune-report.ts'
import type { ObjectGroup } from './object-group.ts'
import { KEEP_PLANS_MS, KEEP_RESTORES_MS, KEEP_UNDO_MS, type RestoreKeep } from './restore-groups.ts'
import type { SnapshotGroup, Survey } from './survey.ts'

export interface Decision extends PruneItem {
  /** Deleted before any chunk: the manifest. */
  readonly first: readonly string[]
  readonly objects: readonly string[]
  /** Deleted when all else is gone: the tombstone. Until then nobody can take the session up again. */
  readonly last: readonly string[]
}

/** What a prune does to one place. */
export interface PlacePlan {
  readonly survey: Survey
  readonly decisions: readonly Decision[]
  /** Lists whose every name is deleted, or kept for good, by this prune. */
  readonly sweptLists: readonly string[]
}

/** A chunk is journaled seconds after it was stored. One that no journal names after this time belongs to no living backup. */
export const YOUNG_MS = 60 * 60 * 1000
/** A mark of a prune without a list, this old, is that of a dead one. */
const DEAD_RUN_MS = 24 * 60 * 60 * 1000

/** Decides on everything in a place that nothing needs. Pure: the same survey and marks give the same plan. */
export function decide(survey: Survey, marks: Marks, graceMs: number, keep: RestoreKeep = {}): PlacePlan {
  const { now, lists } = survey
  const ripe = lists.filter(({ storedAt, sweptAt, damaged }) => storedAt !== null && sweptAt === null && !damaged && storedAt + graceMs <= now)
  const condemned = { chunks: new Map<string, number>(), snapshots: new Map<string, number>() }
  for (const { storedAt, chunks, snapshots } of lists) {
    for (const name of chunks) keepEarliest(condemned.chunks, name, storedAt!)
    for (const id of snapshots) keepEarliest(condemned.snapshots, id, storedAt!)
  }
  const decisions = [
    ...snapshotDecisions(survey, marks, (id, group) => verdict(condemned.snapshots.get(id), group, survey, graceMs, 'hidden')),
    ...chunkDecisions(survey, marks, (name, group) => verdict(condemned.chunks.get(name), group, survey, graceMs, 'unreferenced')),
    ...sessionDecisions(survey, marks),
    ...recordDecisions(survey, graceMs),
    ...restoreDecisions(survey, keep),
  ]
  return { survey, decisions, sweptLists: ripe.map(({ listId }) => listId) }
}

interface Verdict {
  readonly action: PruneAction
  readonly reason: PruneReason
}

/** Two phases: what no list names is condemned, what an old enough list names is deleted. `condemnedAt`: of the earliest list that names it. */
function verdict(condemnedAt: number | undefined, group: ObjectGroup, { now }: Survey, graceMs: number, reason: PruneReason): Verdict {
  if (group.youngest > now) return { action: 'keep', reason: 'future' }
  // Stored again after it was condemned: no writer does that to a name on a list, so it is not what the list meant.
  const listed = condemnedAt !== undefined && group.youngest <= condemnedAt
  if (listed && condemnedAt + graceMs <= now) return { action: 'delete', reason }
  if (listed) return { action: 'keep', reason: 'grace' }
  if (reason === 'unreferenced' && now - group.youngest < Math.min(YOUNG_MS, graceMs)) return { action: 'keep', reason: 'young' }
  return { action: 'condemn', reason }
}

function* snapshotDecisions(survey: Survey, marks: Marks, judge: (id: string, group: SnapshotGroup) => Verdict): Generator<Decision> {
  const { snapshots, sessions, scope, now } = survey
  const { names } = scope.objects
  for (const [id, group] of snapshots) {
    const { manifestAt, hiddenAt } = group
    if (hiddenAt === null) {
      if (manifestAt === null && !marks.openSessions.has(id) && isExpired(group.youngest, now))
        yield decision('leftover', id, group, { action: 'delete', reason: 'expired' })
      continue
    }
    const younger = sessions.get(id)
    const session = younger && !isExpired(younger.youngest, now) ? younger : undefined
    const whole = {
      objects: [...group.objects, ...(session?.objects ?? [])],
      bytes: group.bytes + (session?.bytes ?? 0),
      youngest: Math.max(manifestAt ?? 0, hiddenAt),
    }
    const last = [names.tombstone(id)]
    if (manifestAt === null) {
      yield { ...decision('leftover', id, whole, { action: 'delete', reason: 'hidden' }), last }
      continue
    }
    const held = marks.held.get(id)
    const first = [names.manifest(id)]
    const objects = whole.objects.filter((object) => object !== first[0])
    yield { ...decision('snapshot', id, { ...whole, objects }, held ? { action: 'keep', reason: held } : judge(id, { ...group, ...whole })), first, last }
  }
}

function* chunkDecisions({ chunks }: Survey, marks: Marks, judge: (name: string, group: ObjectGroup) => Verdict): Generator<Decision> {
  for (const [name, group] of chunks) if (!marks.chunks.has(name)) yield decision('chunk', name, group, judge(name, group))
}

/** Sessions that can neither be resumed nor commit; younger ones of pruned snapshots go with those. The journal of a committed one says nothing that its manifest does not. */
function* sessionDecisions({ sessions, now }: Survey, marks: Marks): Generator<Decision> {
  for (const [id, group] of sessions) {
    if (!marks.openSessions.has(id) && isExpired(group.youngest, now)) yield decision('session', id, group, { action: 'delete', reason: 'expired' })
  }
}

function* recordDecisions({ lists, pins, scope, now }: Survey, graceMs: number): Generator<Decision> {
  const { names } = scope.objects
  for (const { listId, runAt, storedAt, sweptAt, damaged } of lists) {
    // As long again as it took to sweep it: another prune may still be at it, and must find writers warned.
    const over = sweptAt === null ? storedAt === null && runAt !== null && runAt + DEAD_RUN_MS <= now : sweptAt + graceMs <= now
    const objects = (['run', 'list', 'swept'] as const).map((part) => names.condemned(listId, part))
    if (over || damaged) yield decision('list', listId, { objects, bytes: 0, youngest: 0 }, { action: 'delete', reason: damaged ? 'damaged' : 'swept' })
  }
  for (const { object, snapshotId, storedAt } of pins)
    if (now - storedAt > PIN_LIFETIME_MS)
      yield decision('pin', snapshotId, { objects: [object], bytes: 0, youngest: 0 }, { action: 'delete', reason: 'expired' })
}

/** By age alone: nothing refers to them. The first head of a journal goes before all else of it, so that no undo finds a part of one. */
function* restoreDecisions(
  { restores, scope, now }: Survey,
  { keepUndoMs = KEEP_UNDO_MS, keepRestoresMs = KEEP_RESTORES_MS }: RestoreKeep,
): Generator<Decision> {
  const isOver = ({ objects, youngest }: ObjectGroup, keepMs: number) => objects.length > 0 && now - youngest > keepMs
  const expired = { action: 'delete', reason: 'expired' } as const
  for (const [id, group] of restores) {
    const head = scope.objects.names.restorePart(id, 'undo', 0)
    const headFirst = ({ objects, ...rest }: ObjectGroup) => ({
      first: objects.filter((one) => one === head),
      group: { ...rest, objects: objects.filter((one) => one !== head) },
    })
    if (isOver(group, Math.max(keepUndoMs, keepRestoresMs))) {
      const { first, group: others } = headFirst(group)
      yield { ...decision('restore', id, others, expired), first }
      continue
    }
    if (isOver(group.plan, KEEP_PLANS_MS)) yield decision('plan', id, group.plan, expired)
    if (!isOver(group.undo, keepUndoMs)) continue
    const { first, group: others } = headFirst(group.undo)
    yield { ...decision('undo', id, others, expired), first }
  }
}

function decision(kind: PruneKind, name: string, { objects, bytes }: ObjectGroup, { action, reason }: Verdict): Decision {
  return { kind, name, action, reason, bytes, first: [], objects, last: [] }
}

function keepEarliest(times: Map<string, number>, key: string, at: number): void {
  times.set(key, Math.min(times.get(key) ?? at, at))
}
