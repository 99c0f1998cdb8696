import type { RestoreLog } from '../archive/index.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { TouchedRow } from '../contracts/restore-target.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { MovedRows } from './moved-rows.ts'
import type { OpenStore } from './open-stores.ts'
import type { PlanRow, StoredPlan } from './restore-plan.ts'
import type { RestoreWatcher, WatchedRestore } from './restore-watcher.ts'
import { rowHash } from './row-hash.ts'
import { readRowPages } from './row-pages.ts'
import { undoJournal } from './undo-journal.ts'
import type { RowObserver } from './watch-rows.ts'

/** Rows that may wait for their other side. More of them have moved than anybody would read of. */
const WAITING = 10_000

/** The restore that applied a plan, when it was not undone; else null. */
export type AppliedBy = (options: AbortableOptions) => Promise<{ readonly restoreId: string; readonly startedAt: string } | null>

/** A restore that does what the plan says, row by row, or nothing: looked at when comparing, and again under the locks of the merge. `appliedBy` is asked when rows are not as planned. */
export function planWatcher(plan: StoredPlan, undo: boolean, appliedBy: AppliedBy): (of: WatchedRestore) => RestoreWatcher {
  return (restore) => {
    const journal = undo ? undoJournal(restore) : null
    const follow = ({ selection, target }: OpenStore) =>
      asPlanned(plan, { appliedBy, store: selection.store.name, entities: target.entities, log: restore.repository.restores }, { signal: restore.signal })
    return {
      journals: undo,
      comparing: (store) => [follow(store)],
      merging: (store) => [follow(store), ...(journal ? [journal(store.selection.store.name)] : [])],
    }
  }
}

interface Place {
  readonly store: string
  readonly entities: readonly EntityDescriptor[]
  readonly log: Pick<RestoreLog, 'readPartText'>
  readonly appliedBy: AppliedBy
}

/** Rows come in the order of the plan, so that nearly always the next one is the next one there, too. */
function asPlanned(plan: StoredPlan, { store, entities, log, appliedBy }: Place, options: AbortableOptions): RowObserver {
  const followed = new Map<string, FollowedRows>()
  const moved = new MovedRows()
  const of = (entity: string): FollowedRows => {
    const known = followed.get(entity)
    if (known) return known
    const pages = plan.planned.find((each) => each.store === store && each.entity === entity)?.pages ?? []
    const made = new FollowedRows(readRowPages<PlanRow>({ log, id: plan.planId, part: 'plan-rows' }, pages, options))
    followed.set(entity, made)
    return made
  }
  const refuse = async () => {
    const done = await appliedBy(options)
    if (done) {
      const { restoreId, startedAt } = done
      throw new HoldfastError('E_PLAN_APPLIED', `plan ${plan.planId} was applied already, by restore ${restoreId} of ${startedAt}; nothing was written`, {
        hint: `Undo that one, \`restores.undo("${restoreId}")\`, \`holdfast undo ${restoreId}\`; or plan again, if something is to be restored once more.`,
        details: { planId: plan.planId, appliedBy: restoreId, rows: moved.rows, count: moved.count },
      })
    }
    throw new HoldfastError('E_PLAN_STALE', `not as the plan saw them: ${moved.toString()}; nothing was written`, {
      details: { planId: plan.planId, rows: moved.rows, count: moved.count },
    })
  }
  return {
    async seen(descriptor, rows) {
      const own = of(descriptor.name)
      for (const row of rows) await own.meet(row)
      if (own.waiting <= WAITING) return
      own.tell((key, what) => moved.add(store, descriptor, key, what))
      await refuse()
    },
    async judged() {
      for (const { entity } of plan.planned.filter((each) => each.store === store)) await of(entity).finish()
      for (const [entity, own] of followed) {
        const descriptor = entities.find(({ name }) => name === entity)!
        own.tell((key, what) => moved.add(store, descriptor, key, what))
      }
      if (moved.count > 0) await refuse()
    },
  }
}

/** Holds the rows of a plan against those that are there. Memory: the rows that do not fit. */
class FollowedRows {
  readonly #plan: AsyncGenerator<PlanRow, void, undefined>
  /** Rows of one side only, by key: so far, or for good. */
  readonly #planned = new Map<string, string>()
  readonly #found = new Map<string, { readonly text: string; readonly live: boolean }>()

  constructor(plan: AsyncGenerator<PlanRow, void, undefined>) {
    this.#plan = plan
  }

  get waiting(): number {
    return this.#planned.size + this.#found.size
  }

  async meet({ action, key, live }: TouchedRow): Promise<void> {
    const text = `${action} ${rowHash(live)}`
    if (this.#planned.get(key) === text) return void this.#planned.delete(key)
    const step = await this.#plan.next()
    if (!step.done) {
      const [plannedAction, plannedKey, plannedLive] = step.value
      const planned = `${plannedAction} ${plannedLive}`
      if (plannedKey === key && planned === text) return
      if (this.#found.get(plannedKey)?.text === planned) this.#found.delete(plannedKey)
      else this.#planned.set(plannedKey, planned)
    }
    if (this.#planned.get(key) === text) this.#planned.delete(key)
    else this.#found.set(key, { text, live: live !== null })
  }

  async finish(): Promise<void> {
    for await (const [action, key, live] of this.#plan) {
      const planned = `${action} ${live}`
      if (this.#found.get(key)?.text === planned) this.#found.delete(key)
      else this.#planned.set(key, planned)
      if (this.waiting > WAITING) return
    }
  }

  tell(say: (key: string, what: 'changed' | 'appeared' | 'disappeared') => void): void {
    for (const [key, { live }] of this.#found) say(key, this.#planned.delete(key) ? 'changed' : live ? 'changed' : 'disappeared')
    // A planned row that is not touched any more: it is as its record by now, or, to be deleted, gone.
    for (const key of this.#planned.keys()) say(key, 'changed')
  }
}
