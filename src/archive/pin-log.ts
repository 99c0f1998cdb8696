import type { AbortableOptions } from '../kernel/abort.ts'
import { isUuid, uuidv7 } from '../kernel/ids.ts'
import { putJsonObject } from './json-object.ts'
import type { ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'

/** A pin older than this, by the storage's clock, holds nothing: its reader is taken for dead. Seven days. */
export const PIN_LIFETIME_MS = 7 * 24 * 60 * 60 * 1000

export interface Pin {
  readonly snapshotId: string
  /** Lets go of the snapshot. */
  release(options?: AbortableOptions): Promise<void>
}

/** Readers of snapshots that take long. A prune keeps what a pinned snapshot refers to, even when it is deleted meanwhile. */
export interface PinLog {
  /** Pin first, then make sure that the snapshot is still there: a prune that comes later sees one or the other. */
  pin(snapshotId: string, options?: AbortableOptions): Promise<Pin>
  list(options?: AbortableOptions): AsyncIterable<{ readonly snapshotId: string; readonly pinId: string; readonly storedAt: number }>
}

export function createPinLog(space: ObjectSpace, names: ScopeNames): PinLog {
  return {
    async pin(snapshotId, options) {
      const pinId = uuidv7()
      const object = names.pin(snapshotId, pinId)
      await putJsonObject(space, object, 'pin', { snapshotId, pinId }, options)
      return { snapshotId, release: (releasing) => space.delete([object], releasing) }
    },
    async *list(options) {
      const root = names.pins().length
      for await (const { key, modifiedAt } of space.list(names.pins(), options)) {
        const [snapshotId = '', pinId = ''] = key.slice(root).split('/', 2)
        if (isUuid(snapshotId) && isUuid(pinId)) yield { snapshotId, pinId, storedAt: modifiedAt }
      }
    },
  }
}
