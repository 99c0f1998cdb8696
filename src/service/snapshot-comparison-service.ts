import type { Comparison, EntityKey, RecordVersion } from '../compare/index.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import type { EntityReference } from '../plan/index.ts'

export interface CompareOptions extends ScopeOption {
  /** Id of the older snapshot. */
  readonly before: string
  /** Id of the newer snapshot, of any bucket; `live` for the database as it is now. Default `live`. */
  readonly after?: string
  /** `Name` or `store.Name`; default all. */
  readonly entities?: readonly string[]
}

export interface HistoryOptions extends ScopeOption {
  /** Which series. Default: the only one that has the entity; `E_CONFIG` when there are several. */
  readonly series?: string
  /** Default `newest-first`. */
  readonly order?: 'newest-first' | 'oldest-first'
}

/** What changed: between two snapshots, since a snapshot, and in the life of one record. Writes nothing anywhere. */
export interface ISnapshotComparisonService {
  /**
   * The differences, streamed record by record and field by field. Reads only chunks that are not the same on both sides; against the live database, only ranges that
   * it cannot prove unchanged.
   *
   * @throws `E_SNAPSHOT_UNKNOWN`, `E_ENTITY_UNKNOWN`, `E_STORE_UNKNOWN`, `E_DIALECT`, `E_CONFIG`; while iterating `E_ARCHIVE_*`, `E_STORE_FAILED`
   */
  compare(options: CompareOptions): Promise<Comparison>
  /**
   * The snapshots of a series in which one record appeared, changed or disappeared. Snapshots without the entity are passed over.
   *
   * @throws while iterating: `E_ENTITY_UNKNOWN`, `E_CONFIG` for a key that is none of the entity's, `E_ARCHIVE_*`
   */
  history(entity: EntityReference, key: EntityKey, options?: HistoryOptions): AsyncIterable<RecordVersion>
}
