import type { RecordProblem } from '../contracts/restore-target.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { renumbered } from './chosen-item.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'

type GoingOn = Pick<RestoreContext, 'continueOnError' | 'dryRun' | 'problems'>

/** Problems that a target lists: all that may fail, and one more. */
export function problemLimit({ continueOnError }: Pick<RestoreContext, 'continueOnError'>, most: number): number {
  return Math.max(most, continueOnError + 1)
}

/**
 * Takes records that cannot come back out of what is written, as many as may fail. True when that leaves something to be tried again; false when nothing new was found, or when a dry run has
 * found more than may fail, which it only tells.
 *
 * @throws `E_RESTORE_REJECTED` when more fail than may, or one cannot be told from the others
 */
export function goOnWithout(store: OpenStore, found: readonly RecordProblem[], context: GoingOn, refused = false): boolean {
  const { selection, items, failed } = store
  const { problems, continueOnError, dryRun } = context
  const nameless = found.find(({ line }) => line === undefined)
  const known = new Set<string>()
  const fresh = found.filter(({ entity, line }) => {
    const id = `${line} ${entity}`
    if (line === undefined || failed.has(entity, line) || known.has(id)) return false
    known.add(id)
    return true
  })
  const noted = problems.note(selection.store.name, [...renumbered(fresh, items), ...(nameless ? [nameless] : [])], fresh.length + (nameless ? 1 : 0))
  for (const [at, { entity, line }] of fresh.entries()) failed.add(entity, line!, noted[at]!, refused)
  store.items = items.map((item) => ({ ...item, leaveOut: [...failed.linesOf(item.entity).keys()] }))
  if (nameless && !dryRun) {
    throw new HoldfastError(
      'E_RESTORE_REJECTED',
      `${nameless.entity}: ${nameless.message}; no record by itself is to blame, so that none can be left out; nothing was written`,
      {
        hint: 'Mend what the message names, or choose the entities to restore, then restore again.',
        details: { problemCount: problems.count, problems: [nameless] },
      },
    )
  }
  if (problems.count <= continueOnError) return fresh.length > 0 && !nameless
  if (dryRun) return false
  throw problems.beyond(continueOnError)
}

/** @throws `E_RESTORE_REJECTED` when not one record is left: a restore of nothing is none. */
export function refuseNothingLeft(stores: readonly OpenStore[], { problems }: Pick<RestoreContext, 'problems'>): void {
  const records = stores.flatMap(({ items }) => items).reduce((sum, { lines }) => sum + lines.rows, 0)
  const failed = stores.reduce((sum, store) => sum + store.failed.count, 0)
  if (failed > 0 && failed >= records) problems.refuse()
}
