import type { RestoreLog } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { FailedRecord } from '../restore/index.ts'

type RecordName = Pick<FailedRecord, 'store' | 'entity' | 'key'>

/** One replay, kept with the restore whose failed records it tried again. */
interface ReplayEntry {
  readonly replayId: string
  readonly done: readonly RecordName[]
  readonly failed: readonly RecordName[]
}

/** What became so far of the records that a restore left out. */
export interface ReplayHistory {
  /** In by a replay that was not undone. */
  isDone(record: RecordName): boolean
  /** How often it was tried, the restore itself included. */
  triedBefore(store: string, entity: string, key: string): number
}

const nameOf = ({ store, entity, key }: RecordName): string => JSON.stringify([store, entity, key])
const named = ({ store, entity, key }: RecordName): RecordName => ({ store, entity, key })

/** Reads the replays of a restore. */
export async function readReplays(log: RestoreLog, restoreId: string, options: AbortableOptions): Promise<ReplayHistory> {
  const done = new Set<string>()
  const tries = new Map<string, number>()
  for await (const value of partsOf(log, restoreId, 'replays', options)) {
    const replay = value as ReplayEntry
    const counts = !(await isUndone(log, replay.replayId, options))
    for (const record of [...replay.done, ...replay.failed]) tries.set(nameOf(record), (tries.get(nameOf(record)) ?? 1) + 1)
    if (counts) for (const record of replay.done) done.add(nameOf(record))
  }
  return {
    isDone: (record) => done.has(nameOf(record)),
    triedBefore: (store, entity, key) => tries.get(nameOf({ store, entity, key })) ?? 1,
  }
}

/** Notes a replay. Numbers are given out by whoever is first. */
export async function noteReplay(log: RestoreLog, restoreId: string, replay: ReplayEntry, options: AbortableOptions): Promise<void> {
  const { replayId, done, failed } = replay
  await addPart(log, restoreId, 'replays', { replayId, done: done.map(named), failed: failed.map(named) }, options)
}

/** Notes that a restore was taken back, by the restore of the other id. */
export async function noteUndone(log: RestoreLog, restoreId: string, undoId: string, options: AbortableOptions): Promise<void> {
  await addPart(log, restoreId, 'undone', { by: undoId }, options)
}

/** Taken back, and that not taken back itself. */
export async function isUndone(log: RestoreLog, restoreId: string, options: AbortableOptions): Promise<boolean> {
  for await (const value of partsOf(log, restoreId, 'undone', options)) if (!(await isUndone(log, (value as { readonly by: string }).by, options))) return true
  return false
}

async function* partsOf(log: RestoreLog, restoreId: string, part: 'replays' | 'undone', options: AbortableOptions): AsyncGenerator<unknown, void, undefined> {
  for (let n = 0; ; n++) {
    try {
      yield await log.readPart(restoreId, part, n, options)
    } catch (error) {
      if (isHoldfastError(error, 'E_ARCHIVE_MISSING')) return
      throw error
    }
  }
}

/** Numbers that others may take meanwhile. */
const MOST_RIVALS = 100

async function addPart(log: RestoreLog, restoreId: string, part: 'replays' | 'undone', value: unknown, options: AbortableOptions): Promise<void> {
  let next = 0
  for await (const _ of partsOf(log, restoreId, part, options)) next++
  for (const last = next + MOST_RIVALS; ; next++) {
    try {
      return await log.writePart(restoreId, part, next, value, options)
    } catch (error) {
      if (!isHoldfastError(error, 'E_STORAGE_EXISTS') || next >= last) throw error
    }
  }
}

/** @throws `E_REPLAY_UNAVAILABLE` */
export function replayUnavailable(restoreId: string, why: string): HoldfastError {
  return new HoldfastError('E_REPLAY_UNAVAILABLE', `restore ${restoreId} ${why}`)
}
