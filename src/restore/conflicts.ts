import type { EntityReconciliation, RecordProblem, RestoreSample } from '../contracts/restore-target.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { Comparison } from './compare-stores.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import type { RestoredEntity } from './restore-result.ts'

/** Conflicting rows of an entity that the diagnostics name; all are counted. As many as a request can ask for as samples. */
export const LISTED_CONFLICTS = 100

/** What the diagnostics keep of rows that differ and that the policy does not decide. */
export function conflictProblems({ entity, samples }: EntityReconciliation): readonly RecordProblem[] {
  return samples
    .filter(({ action }) => action === 'conflict')
    .map(({ key, changes }) => ({ entity, key, cause: 'conflict', message: `the live row differs in ${changes.map(({ field }) => field).join(', ')}` }))
}

/** At most so many of each action. */
export function firstSamples(samples: readonly RestoreSample[], most: number): readonly RestoreSample[] {
  const seen = new Map<string, number>()
  return samples.filter(({ action }) => {
    const count = (seen.get(action) ?? 0) + 1
    seen.set(action, count)
    return count <= most
  })
}

/** @throws `E_RESTORE_CONFLICT` naming every entity, of whatever store, with rows that the policy leaves undecided. They go to the ledger. */
export function refuseConflicts(compared: Comparison, { policy, problems }: Pick<RestoreContext, 'policy' | 'problems'>): void {
  const all = [...compared.values()]
  const undecided = all.flatMap(({ entities }) => entities).filter(({ conflict }) => conflict > 0)
  if (undecided.length === 0) return
  for (const [{ selection }, { entities, conflicts }] of compared) {
    problems.note(
      selection.store.name,
      conflicts,
      entities.reduce((sum, { conflict }) => sum + conflict, 0),
    )
  }
  const keysOf = ({ store: name, entity }: RestoredEntity) =>
    [...compared]
      .filter(([{ selection }]) => selection.store.name === name)
      .flatMap(([, { conflicts }]) => conflicts.flatMap((one) => (one.entity === entity && one.key !== null ? [one.key] : [])))
  const said = undecided.map((one) => `${one.conflict} of "${one.entity}" (${someKeys(keysOf(one), one.conflict)})`).join(', ')
  const hint = policy === 'newer-version-wins' ? versionHint(compared) : undefined
  throw new HoldfastError('E_RESTORE_CONFLICT', `policy "${policy}" cannot decide ${said}; nothing was written`, {
    ...(hint === undefined ? {} : { hint }),
    details: {
      policy,
      conflicts: undecided.map((one) => ({
        store: one.store,
        entity: one.entity,
        rows: one.conflict,
        keys: one.samples.filter(({ action }) => action === 'conflict').map(({ key }) => key),
      })),
    },
  })
}

const NAMED = 5

/** `[1], [2], …` */
function someKeys(keys: readonly KeyText[], rows: number): string {
  const some = keys.slice(0, NAMED)
  return [...some, ...(rows > some.length ? ['…'] : [])].join(', ')
}

function versionHint(compared: Comparison): string {
  const blind = [...compared].flatMap(([store, { entities }]) =>
    entities.filter(({ entity, conflict }) => conflict > 0 && !hasVersion(store, entity)).map(({ entity }) => `"${entity}"`),
  )
  const way = 'choose `overwrite` or `skip`'
  if (blind.length === 0) return `Their versions are equal or missing, and yet the rows differ: ${way}.`
  return `Neither a version nor an updated-at property is known of ${blind.join(', ')}, in snapshot and mapping alike, by which a newer row could be told: ${way} there, or restore without.`
}

/** Both sides must have the mark, as the targets want it. */
function hasVersion({ items, target }: OpenStore, entity: string): boolean {
  const record = items.find((item) => item.entity === entity)?.record
  const live = target.entities.find(({ name }) => name === entity)
  return (['version', 'updatedAt'] as const).some((mark) => record?.[mark] !== undefined && live?.[mark] !== undefined)
}
