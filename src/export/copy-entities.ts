import type { ConsistentView } from '../contracts/consistent-view.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { BackupPolicy } from '../plan/backup-policy.ts'
import { type Decision, reconcile } from '../reconcile/index.ts'
import { addDigests } from './add-digests.ts'
import type { EntityCopy } from './entity-copy.ts'
import { amendRange } from './amend-range.ts'
import { type DeltaRange, readDeltaRun } from './delta-run.ts'
import { deltaRuns } from './delta-runs.ts'
import { planReads, type PlannedRead } from './plan-reads.ts'
import { readPart, type ReadPartOptions } from './read-part.ts'
import type { StoredRange } from './stored-range.ts'
import { type Lane, TaskLanes } from './task-lanes.ts'

export type CopyOptions = Omit<ReadPartOptions, 'cutBytes'> & {
  readonly policy: BackupPolicy
  /** Resolves when the store may be worked with. */
  readonly ready: (store: string) => Promise<void>
}

type KnownDecision = Decision<StoredRange> & { readonly known: StoredRange }

const isOfKnown = (decision: Decision<StoredRange>): decision is KnownDecision => decision.known !== null

/** Parts of a table for each reader: enough that readers end at about the same time, few enough that each query is worth its start. */
const PARTS_PER_READER = 4
/** A part is worth a query of its own from this many chunks on. */
const CHUNKS_PER_PART = 2

/** Asks every entity how large it is, so that progress and order are known before the first row is read. */
export async function estimateEntities(copies: readonly EntityCopy[], options: CopyOptions): Promise<void> {
  await inLanes(copies, options, (copy) => async () => {
    const { rows, bytes } = await copy.view.estimate(copy.resolved.entity, { signal: options.signal })
    copy.estimate(rows, bytes)
  })
}

/**
 * Reconciles all entities, the largest first, and reads what must be read: several entities and several ranges of one at a time, at most the policy's `concurrency`,
 * and never more calls on a view than it can take. Returns early, without an error, when `pausing` turns true.
 */
export async function copyEntities(copies: readonly EntityCopy[], options: CopyOptions): Promise<void> {
  const largestFirst = copies.toSorted((a, b) => b.estimatedBytes - a.estimatedBytes)
  await inLanes(largestFirst, options, (copy, lane) => async () => {
    await options.ready(copy.resolved.store)
    copy.meter.state('checking')
    const { chunkBytes } = options.policy
    const push = (work: () => Promise<void>) =>
      lane.push(() => {
        copy.meter.state('working')
        return work()
      })
    const open = ({ range, evidence, cutBytes, known: stored }: PlannedRead) => {
      copy.openPart(range, evidence)
      push(async () => {
        await (stored ? amendRange(copy, stored, { ...options, cutBytes }) : readPart(copy, range, { ...options, cutBytes }))
        await addDigests(copy, options)
      })
      options.onMoved()
    }
    const openRun = (run: readonly DeltaRange[]) => {
      for (const { range, evidence } of run) copy.openPart(range, evidence)
      push(async () => {
        const whole = await readDeltaRun(copy, run, options)
        for (const { range } of whole) push(() => readPart(copy, range, { ...options, cutBytes: chunkBytes }))
      })
    }
    const known = new Map<KeyText | null, KnownDecision>()
    const parts = partsOf(copy, options.policy)
    for await (const decision of reconcile({
      view: copy.view,
      entity: copy.resolved.entity,
      image: copy.image,
      parts,
      exact: copy.exact,
      signal: options.signal,
    })) {
      if (options.pausing()) return
      if (isOfKnown(decision)) known.set(decision.range.from, decision)
      else open({ range: decision.range, evidence: decision.evidence, cutBytes: chunkBytes })
    }
    const inOrder = [...copy.image.pieces()].flatMap(({ range }) => known.get(range.from) ?? [])
    const { reuse, deltas, reads } = planReads(inOrder, chunkBytes)
    for (const decision of reuse) copy.reuse(decision)
    for (const run of deltaRuns(deltas, Math.min(options.policy.concurrency, copy.view.parallel))) openRun(run)
    for (const read of reads) open(read)
    copy.decided()
    await addDigests(copy, options)
    options.onMoved()
  })
}

async function inLanes(copies: readonly EntityCopy[], options: CopyOptions, taskOf: (copy: EntityCopy, lane: Lane) => () => Promise<void>): Promise<void> {
  const tasks = new TaskLanes(options.policy.concurrency)
  const lanes = new Map<ConsistentView, Lane>()
  for (const copy of copies) {
    const lane = lanes.get(copy.view) ?? tasks.lane(copy.view.parallel)
    lanes.set(copy.view, lane)
    const task = taskOf(copy, lane)
    lane.push(() =>
      task().catch((error: unknown) => {
        options.onFailure(error)
        throw error
      }),
    )
  }
  await tasks.run()
}

function partsOf(copy: EntityCopy, policy: BackupPolicy): number {
  const readers = Math.min(policy.concurrency, copy.view.parallel)
  if (readers === 1) return 1
  return Math.max(1, Math.min(readers * PARTS_PER_READER, Math.ceil(copy.estimatedBytes / (policy.chunkBytes * CHUNKS_PER_PART))))
}
