import type { ManifestEntity } from '../archive/index.ts'
import type { FieldDescriptor } from '../contracts/entity-descriptor.ts'
import type { AbortableOptions } from '../kernel/abort.ts'

/** What stands in place of a value that is not shown, as in comparisons. */
export const HIDDEN = '•••'

/** An entity of a snapshot, as it goes out. */
export interface ExtractedEntity {
  readonly entity: ManifestEntity
  /** Property paths of the fields whose values are not shown. */
  readonly hidden: ReadonlySet<string>
  /** Whole record lines in key order, without those that are erased. May be asked for again. */
  lines(options: AbortableOptions): AsyncIterable<Uint8Array>
}

/** Sensitive by the plan, or by the entity itself. */
export function sensitiveFields({ descriptor, sensitive }: Pick<ManifestEntity, 'descriptor' | 'sensitive'>): ReadonlySet<string> {
  return new Set([...sensitive, ...descriptor.fields.filter((field) => field.sensitive).map(({ path }) => path)])
}

/** The value of one field of one record, as its JSON token. */
export type TokenText = (token: string, field: FieldDescriptor) => string
