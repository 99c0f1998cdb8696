import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { uuidv7 } from '../kernel/ids.ts'
import type { Decision, PlacePlan } from './decide.ts'
import type { Marks } from './mark.ts'
import type { Survey } from './survey.ts'
import { SWEEP_WINDOW_MS } from './sweep-window.ts'

/** Objects asked to go in one call. */
const BATCH = 200
/** Names in one list: about 7 MB of JSON. */
const LIST_NAMES = 100_000

export interface SweepOptions extends AbortableOptions {
  /** Milliseconds since the prune began, by a clock that never jumps. */
  readonly elapsed: () => number
}

/** Publishes what is newly condemned. Before anything is deleted: the sooner writers know, the better. */
export async function condemn({ survey, decisions }: PlacePlan, options: AbortableOptions): Promise<void> {
  const named = decisions.filter(({ action }) => action === 'condemn')
  for (let start = 0; start < named.length; start += LIST_NAMES) {
    const part = named.slice(start, start + LIST_NAMES)
    const of = (kind: Decision['kind']) => part.filter((one) => one.kind === kind).map(({ name }) => name)
    const listId = start === 0 ? survey.runId : uuidv7()
    await survey.scope.condemned.publish({ listId, snapshots: of('snapshot'), chunks: of('chunk') }, options)
  }
}

/**
 * Deletes: all manifests, then all chunks, then the rest, tombstones and lists last. Stopped anywhere, it leaves only what no snapshot shows, and the next prune finds it. Gives the
 * plans as they came out: what the storage denies is kept.
 */
export async function sweep(plans: readonly PlacePlan[], marks: Marks, options: SweepOptions): Promise<PlacePlan[]> {
  const sweeper = new Sweeper(options)
  const going = plans.map(({ survey, decisions }) => ({ survey, decisions: decisions.filter(({ action }) => action === 'delete') }))

  for (const { survey, decisions } of going) await sweeper.delete(survey, decisions, 'first')
  // Hidden, but still there: its chunks stay with it.
  const retained = new Set([...sweeper.denied].flatMap(({ name }) => [...(marks.facts.get(name)?.chunks.keys() ?? [])]))
  const isRetained = ({ kind, name }: Decision) => kind === 'chunk' && retained.has(name)
  const chunks = (decisions: readonly Decision[]) => decisions.filter((one) => one.kind === 'chunk' && !isRetained(one))
  for (const { survey, decisions } of going) await sweeper.delete(survey, chunks(decisions), 'objects')
  const swept = new Set(['list', 'chunk'])
  for (const { survey, decisions } of going)
    await sweeper.delete(
      survey,
      decisions.filter(({ kind }) => !swept.has(kind)),
      'objects',
    )
  for (const { survey, decisions } of going) await sweeper.delete(survey, decisions, 'last')
  for (const { survey, sweptLists } of plans) for (const listId of sweptLists) await survey.scope.condemned.markSwept(listId, options)
  for (const { survey, decisions } of going)
    await sweeper.delete(
      survey,
      decisions.filter(({ kind }) => kind === 'list'),
      'objects',
    )
  return plans.map((plan) => ({
    ...plan,
    decisions: plan.decisions.map((one) => {
      if (sweeper.denied.has(one)) return { ...one, action: 'keep', reason: 'denied' }
      return one.action === 'delete' && isRetained(one) ? { ...one, action: 'keep', reason: 'manifest-denied' } : one
    }),
  }))
}

class Sweeper {
  /** What is still there because the storage would not let it go. */
  readonly denied = new Set<Decision>()
  readonly #options: SweepOptions

  constructor(options: SweepOptions) {
    this.#options = options
  }

  async delete(survey: Survey, decisions: readonly Decision[], part: 'first' | 'objects' | 'last'): Promise<void> {
    let batch: { readonly object: string; readonly of: Decision }[] = []
    for (const one of decisions) {
      if (this.denied.has(one)) continue
      for (const object of one[part]) batch.push({ object, of: one })
      if (batch.length < BATCH) continue
      await this.#batch(survey, batch)
      batch = []
    }
    if (batch.length > 0) await this.#batch(survey, batch)
  }

  async #batch({ scope }: Survey, batch: readonly { readonly object: string; readonly of: Decision }[]): Promise<void> {
    const { signal, elapsed } = this.#options
    const attempt = (objects: readonly string[]) => {
      throwIfAborted(signal)
      if (elapsed() > SWEEP_WINDOW_MS)
        throw new HoldfastError('E_PRUNE_REFUSED', 'the prune took too long to go by what it read at its beginning', {
          hint: 'Run it again: it goes on where this one ended.',
        })
      return notDenied(() => scope.objects.delete(objects, { signal }))
    }
    if (await attempt(batch.map(({ object }) => object))) return
    // One of them is protected, and perhaps others went: each has to be asked by itself.
    for (const { object, of } of batch) if (!(await attempt([object]))) this.denied.add(of)
  }
}

async function notDenied(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (isHoldfastError(error, 'E_PERMISSION')) return false
    throw error
  }
}
