import { Type } from 'typebox'
import type { AbortableOptions } from '../kernel/abort.ts'
import { isUuid, uuidv7 } from '../kernel/ids.ts'
import { createCheck } from './checked-schema.ts'
import { getJsonObject } from './json-object.ts'
import { UuidSchema } from './manifest-schema.ts'
import type { ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'
import { putProven } from './put-proven.ts'

/** `snapshot-deleted`: hidden, by hand or by retention. `hold-released`. `pruned`: bytes were deleted for good. */
export type AuditAct = 'snapshot-deleted' | 'hold-released' | 'pruned'

/** Something that took a backup away, or let it be taken away. */
export interface AuditEntry {
  readonly auditId: string
  readonly act: AuditAct
  /** Snapshots that it was about: at most 1000. What was about more has several entries. */
  readonly snapshots: readonly string[]
  /** The hold that was released; else null. */
  readonly holdId: string | null
  /** Why, in the words of whoever asked, or of a retention; of a hold, why it had been placed. Null where nobody said. */
  readonly reason: string | null
  /** Who asked; null where that was not said. */
  readonly by: string | null
  /** ISO 8601 UTC, by the clock of the host. */
  readonly at: string
}

/** Create-only, and older than what it tells of: an act that cannot be noted is not done. Nothing in Holdfast deletes an entry but the destruction of a tenant's keys, with all else of that tenant. */
export interface AuditLog {
  write(facts: Pick<AuditEntry, 'act'> & Partial<AuditEntry>, options?: AbortableOptions): Promise<void>
  /** Of all entries, in order of time, without reading them: there may be many, and the newest are asked for. */
  ids(options?: AbortableOptions): AsyncIterable<string>
  read(auditId: string, options?: AbortableOptions): Promise<AuditEntry>
}

const MOST_SNAPSHOTS = 1000
const Text = Type.Union([Type.String(), Type.Null()])
const checkEntry = createCheck<AuditEntry>()(
  Type.Object({
    auditId: UuidSchema,
    act: Type.Enum(['snapshot-deleted', 'hold-released', 'pruned']),
    snapshots: Type.Array(UuidSchema),
    holdId: Type.Union([UuidSchema, Type.Null()]),
    reason: Text,
    by: Text,
    at: Type.String(),
  }),
)

export function createAuditLog(space: ObjectSpace, names: ScopeNames): AuditLog {
  return {
    async write({ act, snapshots = [], holdId = null, reason = null, by = null, at = new Date().toISOString() }, options) {
      for (let start = 0; start === 0 || start < snapshots.length; start += MOST_SNAPSHOTS) {
        const entry: AuditEntry = { auditId: uuidv7(), act, snapshots: snapshots.slice(start, start + MOST_SNAPSHOTS), holdId, reason, by, at }
        await putProven(space, names.auditEntry(entry.auditId), 'audit', entry, options)
      }
    },
    async *ids(options = {}) {
      const root = names.audit().length
      for await (const { key } of space.list(names.audit(), options)) {
        const auditId = key.slice(root)
        if (isUuid(auditId)) yield auditId
      }
    },
    async read(auditId, options = {}) {
      const object = names.auditEntry(auditId)
      return checkEntry(await getJsonObject(space, object, 'audit', options), space.label(object))
    },
  }
}
