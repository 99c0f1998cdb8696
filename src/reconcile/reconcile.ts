import type { ChangeEvidence } from '../contracts/change-evidence.ts'
import type { ConsistentView } from '../contracts/consistent-view.ts'
import type { ChangeMethod, KeyRange, KnownRange, RangeState } from '../contracts/key-range.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { KeyImage } from './key-image.ts'

export interface ReconcileOptions<K extends KnownRange> extends AbortableOptions {
  /** The database as it is now: a view, or what a restore sees of its target. */
  readonly view: Pick<ConsistentView, 'evidence' | 'check'> & Partial<Pick<ConsistentView, 'split'>>
  readonly entity: string
  /** What is known: nothing (full), the chunks of a snapshot (incremental, comparison, delta restore), those of a journal (resume). Not changed while the decisions are being taken. */
  readonly image: KeyImage<K>
  /** Only what proves counts, not what an application declared. Default false. */
  readonly exact?: boolean
  /** Into how many ranges the keys are cut when nothing at all is known. */
  readonly parts: number
}

export type Decision<K extends KnownRange> =
  | {
      readonly action: 'reuse'
      readonly range: KeyRange
      readonly known: K
      /**
       * Of this view, not the one the range was known by: the view has just seen exactly these rows, so its evidence speaks for them as well as the
       * older one and voids later (less happened since).
       */
      readonly evidence: ChangeEvidence
      readonly method: ChangeMethod
      /** `RangeState.digest`. */
      readonly digest?: string
    }
  | {
      readonly action: 'read'
      readonly range: KeyRange
      /** What was known of the range and no longer holds; null when nothing was. */
      readonly known: K | null
      /** Holds for what is read from this view. */
      readonly evidence: ChangeEvidence
      /** `new`, or why the known range cannot be reused: `rows`, `xmin`, `evidence:<field>`, `digest`, `cursor`, `undecided`. */
      readonly reason: string
      /** Rows now in the range, and how many of them may differ from what is known, where the view counted them. */
      readonly rows?: number
      readonly changedRows?: number
    }

/**
 * THE decision of every operation: for each piece of an entity's key space, may what is known be reused, or must it be read? The
 * ranges decided on cover all keys without gap or overlap. They come in no particular order: unknown pieces first, so that
 * reading can begin, then the known ones as the database answers.
 */
export async function* reconcile<K extends KnownRange>(options: ReconcileOptions<K>): AsyncGenerator<Decision<K>, void, undefined> {
  const { view, entity, image, parts, exact = false, signal } = options
  const evidence = await view.evidence(entity, { exact, signal })
  const known: K[] = []
  const unknown: KeyRange[] = []
  for (const piece of image.pieces()) {
    if (piece.known === null) unknown.push(piece.range)
    else known.push(piece.known)
  }

  const undivided = known.length === 0 && unknown.length === 1 && parts > 1 && view.split !== undefined
  for (const range of undivided ? await split(options) : unknown) {
    yield { action: 'read', range, known: null, evidence, reason: 'new' }
  }
  if (known.length === 0) return

  const answered = new Set<number>()
  for await (const state of view.check(entity, known, { exact, signal })) {
    const entry = known[state.index]
    if (!entry || answered.has(state.index)) throw outOfTurn(entity, state)
    answered.add(state.index)
    yield state.state === 'unchanged'
      ? { action: 'reuse', range: entry.range, known: entry, evidence, method: state.method, ...(state.digest === undefined ? {} : { digest: state.digest }) }
      : { action: 'read', range: entry.range, known: entry, evidence, reason: state.reason ?? 'undecided', ...countsOf(state) }
  }
  for (const [index, entry] of known.entries()) {
    if (!answered.has(index)) yield { action: 'read', range: entry.range, known: entry, evidence, reason: 'undecided' }
  }
}

function countsOf({ rows, changedRows }: RangeState): { readonly rows?: number; readonly changedRows?: number } {
  return { ...(rows === undefined ? {} : { rows }), ...(changedRows === undefined ? {} : { changedRows }) }
}

async function split({ view, entity, parts, signal }: ReconcileOptions<KnownRange>): Promise<readonly KeyRange[]> {
  const ranges = await view.split!(entity, { parts, signal })
  let expected: KeyRange['from'] = null
  for (const [index, range] of ranges.entries()) {
    const last = index === ranges.length - 1
    if (range.from !== expected || (range.to === null) !== last) throw new HoldfastError('E_STORE_FAILED', `the parts of ${entity} do not cover its keys`)
    expected = range.to
  }
  if (ranges.length === 0) throw new HoldfastError('E_STORE_FAILED', `the parts of ${entity} do not cover its keys`)
  return ranges
}

function outOfTurn(entity: string, state: RangeState): HoldfastError {
  return new HoldfastError('E_STORE_FAILED', `the check of ${entity} answered range ${state.index} twice, or one that was not asked`)
}
