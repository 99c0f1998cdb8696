import { Type } from 'typebox'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { isUuid, uuidv7 } from '../kernel/ids.ts'
import { createCheck } from './checked-schema.ts'
import { getJsonObject } from './json-object.ts'
import { UuidSchema } from './manifest-schema.ts'
import type { ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'
import { putProven } from './put-proven.ts'

/** Somebody's word that a snapshot must not be deleted. */
export interface Hold {
  readonly holdId: string
  readonly snapshotId: string
  readonly reason: string
  /** ISO 8601 UTC, by the clock of the host. */
  readonly at: string
}

/** Snapshots that stay until they are released, whatever any rule says. One may be held more than once, by people who do not know of each other. */
export interface HoldLog {
  /** Hold first, then make sure that the snapshot is still there. */
  place(snapshotId: string, facts: Pick<Hold, 'reason' | 'at'>, options?: AbortableOptions): Promise<Hold>
  /** Of one snapshot, or of all, in the order of snapshots. One that cannot be read throws. */
  list(snapshotId?: string, options?: AbortableOptions): AsyncIterable<Hold>
  /** Without reading them: one that is damaged holds, too. */
  names(options?: AbortableOptions & { readonly snapshotId?: string | undefined }): AsyncIterable<Pick<Hold, 'snapshotId' | 'holdId'>>
  release(hold: Pick<Hold, 'snapshotId' | 'holdId'>, options?: AbortableOptions): Promise<void>
}

const checkHold = createCheck<Hold>()(Type.Object({ holdId: UuidSchema, snapshotId: UuidSchema, reason: Type.String(), at: Type.String() }))

export function createHoldLog(space: ObjectSpace, names: ScopeNames): HoldLog {
  const log: HoldLog = {
    async place(snapshotId, { reason, at }, options) {
      const hold = { holdId: uuidv7(), snapshotId, reason, at }
      await putProven(space, names.hold(snapshotId, hold.holdId), 'hold', hold, options)
      return hold
    },
    async *list(snapshotId, options = {}) {
      for await (const found of log.names({ ...options, snapshotId })) {
        const object = names.hold(found.snapshotId, found.holdId)
        yield checkHold(await getJsonObject(space, object, 'hold', options), space.label(object))
      }
    },
    async *names({ snapshotId: wanted, ...options } = {}) {
      if (wanted !== undefined && !isUuid(wanted)) return
      const root = names.holds().length
      for await (const { key } of space.list(names.holds(wanted), options)) {
        const [snapshotId = '', holdId = ''] = key.slice(root).split('/', 2)
        if (isUuid(snapshotId) && isUuid(holdId)) yield { snapshotId, holdId }
      }
    },
    release: ({ snapshotId, holdId }, options) => space.delete([names.hold(snapshotId, holdId)], options),
  }
  return log
}

/** @throws `E_SNAPSHOT_HELD` */
export async function assertNotHeld({ holds }: { readonly holds: HoldLog }, snapshotId: string, options: AbortableOptions): Promise<void> {
  for await (const { holdId } of holds.names({ ...options, snapshotId }))
    throw new HoldfastError('E_SNAPSHOT_HELD', `snapshot ${snapshotId} is held (${holdId})`, { details: { snapshotId, holdId } })
}
