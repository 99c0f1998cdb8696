import { createHmac } from 'node:crypto'
import { Type } from 'typebox'
import { parseKeyText } from '../record/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { isUuid } from '../kernel/ids.ts'
import { createCheck } from './checked-schema.ts'
import { getJsonObject } from './json-object.ts'
import { Sha256Schema, UuidSchema } from './manifest-schema.ts'
import type { ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'
import { putProven } from './put-proven.ts'

/** One record that was erased. Who it was cannot be read from it without the key of the repository. */
export interface ErasureEntry {
  readonly id: string
  /** ISO 8601 UTC, by the clock of the host. */
  readonly at: string
  readonly store: string
  /** Name of the entity when it was erased, and its table, by which it is known when it is renamed. */
  readonly entity: string
  readonly table: string
  /** HMAC-SHA-256 (hex) of store, entity and key, under a key of the repository. */
  readonly subject: string
  readonly by: string | null
  readonly reason: string | null
}

/** Records that no restore, read, comparison or undo gives out any more. Create-only. */
export interface ErasureLog {
  /** The keyed hash of a record, however its key is spelt: `5` and `"5"` are one. */
  subject(of: Pick<ErasureEntry, 'store' | 'entity'>, key: KeyText): string
  write(entry: ErasureEntry, options?: AbortableOptions): Promise<void>
  /** In order of time. An entry that cannot be read throws: what it names would come back. */
  list(options?: AbortableOptions): AsyncIterable<ErasureEntry>
}

const checkEntry = createCheck<ErasureEntry>()(
  Type.Object({
    id: UuidSchema,
    at: Type.String(),
    store: Type.String(),
    entity: Type.String(),
    table: Type.String(),
    subject: Sha256Schema,
    by: Type.Union([Type.String(), Type.Null()]),
    reason: Type.Union([Type.String(), Type.Null()]),
  }),
)

export function createErasureLog(space: ObjectSpace, names: ScopeNames, key: Uint8Array): ErasureLog {
  return {
    subject({ store, entity }, text) {
      const values = parseKeyText(text).map((token) => (token.startsWith('"') ? (JSON.parse(token) as string) : token))
      return createHmac('sha256', key)
        .update(JSON.stringify([store, entity, ...values]))
        .digest('hex')
    },
    async write(entry, options) {
      await putProven(space, names.erasure(entry.id), 'erasure', entry, options)
    },
    async *list(options) {
      const root = names.erasures().length
      for await (const { key: object } of space.list(names.erasures(), options)) {
        if (!isUuid(object.slice(root))) continue
        yield checkEntry(await getJsonObject(space, object, 'erasure', options), space.label(object))
      }
    },
  }
}
