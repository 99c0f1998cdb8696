import type { ManifestEntity } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'

/** An entity of a snapshot, as it goes out. */
export interface ExtractedEntity {
  readonly entity: ManifestEntity
  /** Property paths of the fields whose values are not shown. */
  readonly hidden: ReadonlySet<string>
  /** Property path → masker of the fields whose values were replaced on their way: the lines are not those of the archive then. */
  readonly masked: ReadonlyMap<string, string>
  /** Whole record lines in key order, without those that are erased. May be asked for again. */
  lines(options: AbortableOptions): AsyncIterable<Uint8Array>
}
