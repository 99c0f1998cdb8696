import type { ChangeEvidence } from '../contracts/change-evidence.ts'
import type { KeyRange } from '../contracts/key-range.ts'
import type { Decision } from '../reconcile/index.ts'
import { paysAsDelta } from './change-share.ts'
import type { DeltaRange } from './delta-run.ts'
import { plainBytesOf, type StoredRange } from './stored-range.ts'

/** A part of the keys that is read in one go, and where it is cut into chunks. */
export interface PlannedRead {
  readonly range: KeyRange
  readonly evidence: ChangeEvidence
  /** Plain bytes of one chunk. */
  readonly cutBytes: number
  /** The range is this one, whole: what is stored of it may serve, with the differences over it. */
  readonly known?: StoredRange
}

export interface ReadPlan {
  readonly reuse: readonly ReuseDecision[]
  /** Only rows that were written since are read, in key order. */
  readonly deltas: readonly DeltaRange[]
  readonly reads: readonly PlannedRead[]
}

export type ReuseDecision = Extract<Decision<StoredRange>, { readonly action: 'reuse' }>

type Known = Decision<StoredRange> & { readonly known: StoredRange }

/** A range may grow to this many times a chunk before it is cut in two, so that a little growth does not leave a sliver behind each range. */
const GROWTH = 1.25
/** Unchanged ranges below this share of a chunk are read together with a neighbour that has to be read anyway. */
const SLIVER = 0.25
/** Sizes are told from row counts. A part that is a little longer must not leave a sliver either. */
const MARGIN = 1.05

/**
 * What to read of the ranges that are known, given in key order. Ranges stay as they are from run to run, so that what did not change is found again; they are
 * joined when they shrank so much that neighbours fit into one chunk, and cut into equal parts when they grew. The last range of all, to which rows are
 * appended, is filled up chunk by chunk instead.
 */
export function planReads(decisions: readonly Known[], chunkBytes: number): ReadPlan {
  const reuse: ReuseDecision[] = []
  const deltas: DeltaRange[] = []
  const reads: PlannedRead[] = []
  for (const group of joinable(decisions, chunkBytes)) {
    const delta = group.length === 1 ? deltaOf(group[0]!, chunkBytes) : null
    const unchanged = group.filter((decision) => decision.action === 'reuse')
    if (unchanged.length === group.length) reuse.push(...unchanged)
    else if (delta) deltas.push(delta)
    else reads.push(readOf(group, chunkBytes))
  }
  return { reuse, deltas, reads }
}

function* joinable(decisions: readonly Known[], chunkBytes: number): Generator<readonly Known[]> {
  let group: Known[] = []
  let bytes = 0
  for (const decision of decisions) {
    const own = expectedBytes(decision)
    const joins = group.length > 0 && group.at(-1)!.range.to === decision.range.from && bytes + own <= chunkBytes && mayJoin(group, decision, chunkBytes)
    if (!joins && group.length > 0) {
      yield group
      group = []
      bytes = 0
    }
    group.push(decision)
    bytes += own
  }
  if (group.length > 0) yield group
}

/** Joining must spare a range without having much read that did not change. */
function mayJoin(group: readonly Known[], decision: Known, chunkBytes: number): boolean {
  const members = [...group, decision]
  if (members.some((member) => deltaOf(member, chunkBytes) !== null)) return false
  if (members.every(({ action }) => action === 'reuse')) return false
  return members.every((member) => member.action === 'read' || expectedBytes(member) < chunkBytes * SLIVER)
}

function readOf(group: readonly Known[], chunkBytes: number): PlannedRead {
  const [first, last] = [group[0]!, group.at(-1)!]
  const range = { from: first.range.from, to: last.range.to }
  const bytes = group.reduce((sum, decision) => sum + expectedBytes(decision), 0)
  const parts = Math.ceil(bytes / (chunkBytes * GROWTH))
  const cutBytes = range.to === null || parts === 0 ? chunkBytes : Math.max(Math.ceil((bytes / parts) * MARGIN), Math.ceil(chunkBytes / 2))
  const known = group.length === 1 && first.known.rows > 0 ? { known: first.known } : {}
  return { range, evidence: first.evidence, cutBytes, ...known }
}

/** Few rows of a range of ordinary size were written since, and few are gone. */
function deltaOf(decision: Known, chunkBytes: number): DeltaRange | null {
  if (decision.action === 'reuse' || decision.rows === undefined || decision.changedRows === undefined) return null
  const { range, known, evidence, rows, changedRows } = decision
  if (!paysAsDelta(Math.max(changedRows, Math.abs(rows - known.rows)), known.rows) || plainBytesOf(known.entry) < chunkBytes * SLIVER) return null
  return { range, known, evidence, rows, changedRows }
}

function expectedBytes(decision: Known): number {
  const { known } = decision
  const bytes = plainBytesOf(known.entry)
  if (decision.action === 'reuse' || decision.rows === undefined || known.rows === 0) return bytes
  return Math.ceil((bytes * decision.rows) / known.rows)
}
