import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import type { Decision, PlacePlan } from './decide.ts'
import type { Marks } from './mark.ts'
import type { PruneKind } from './prune-report.ts'
import { add, emptyGroup, groupOf, type ObjectGroup } from './object-group.ts'
import { keepsVersions, type PrunePlace, type Survey, surveyChunks, surveySessions, surveySnapshots } from './survey.ts'
import { sweep } from './sweep.ts'

export interface PruneShreddedOptions extends AbortableOptions {
  readonly dryRun: boolean
  readonly graceMs: number
  /** The storage's clock, or the host's. */
  readonly now: number
}

/** Nothing can be read any more, so nothing is needed. */
const NOTHING_NEEDED: Marks = { chunks: new Set(), facts: new Map(), openSessions: new Set(), held: new Map() }

/**
 * Removes what a tenant has stored whose keys were destroyed, all of it but the note that they were: without that, a backup would make new ones. Not before the grace period is over, in
 * which a process may still write that had the keys in memory. Stopped anywhere, the next prune goes on. Null when the keys are not destroyed in this place.
 */
export async function pruneShredded(place: PrunePlace, { dryRun, graceMs, now, signal }: PruneShreddedOptions): Promise<PlacePlan | null> {
  const { bucket, repository, aliases = [], scope: id } = place
  const scope = repository.scope(id)
  const destroyedAt = (await scope.keys?.destroyedAt({ signal })) ?? null
  if (destroyedAt === null) return null
  const survey: Survey = {
    bucket,
    buckets: [bucket, ...aliases],
    repository,
    scope,
    now,
    runId: '',
    chunks: await surveyChunks(scope, { signal }),
    snapshots: await surveySnapshots(scope, { signal }),
    sessions: await surveySessions(scope, { signal }),
    restores: new Map(),
    lists: [],
    pins: [],
    holds: new Set(),
    referrers: [],
    keepsVersions: await keepsVersions(repository, { signal }),
  }
  const verdict = destroyedAt + graceMs <= now ? ({ action: 'delete', reason: 'shredded' } as const) : ({ action: 'keep', reason: 'grace' } as const)
  const decisions: Decision[] = []
  for await (const [kind, name, { objects, bytes }] of everything(survey, { signal }))
    decisions.push({ kind, name, ...verdict, bytes, first: kind === 'snapshot' ? objects : [], objects: kind === 'snapshot' ? [] : objects, last: [] })
  const plan: PlacePlan = { survey, decisions, sweptLists: [] }
  if (dryRun) return plan
  throwIfAborted(signal)
  // By what the note said just now: how long the deletes take does not matter, since nothing can be stored that anybody needs.
  const [swept] = await sweep([plan], NOTHING_NEEDED, { signal, elapsed: () => 0 })
  return swept!
}

async function* everything({ scope, chunks, snapshots, sessions }: Survey, options: AbortableOptions): AsyncGenerator<[PruneKind, string, ObjectGroup]> {
  const known = new Set<string>()
  const kinds = [
    ['snapshot', snapshots],
    ['chunk', chunks],
    ['session', sessions],
  ] as const
  for (const [kind, groups] of kinds) {
    for (const [name, group] of groups) {
      for (const object of group.objects) known.add(object)
      if (group.objects.length > 0) yield [kind, name, group]
    }
  }
  const { names } = scope.objects
  const others = new Map<string, ObjectGroup>()
  for await (const { key, bytes, modifiedAt } of scope.objects.list(names.root(), options)) {
    if (known.has(key) || key.startsWith(names.keys())) continue
    const [folder = ''] = key.slice(names.root().length).split('/', 1)
    add(groupOf(others, folder, emptyGroup), key, Math.max(0, bytes), modifiedAt)
  }
  for (const [folder, group] of others) yield ['leftover', folder, group]
}
