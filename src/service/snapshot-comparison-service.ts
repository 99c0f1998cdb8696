import type { Comparison, RecordVersion } from '../compare/index.ts'
import type { EntityKey } from '../contracts/entity-key.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import type { EntityReference } from '../plan/index.ts'
import type { SeenAsOption } from './seen-as.ts'

export interface CompareOptions extends ScopeOption, SeenAsOption {
  /** Id of the older snapshot. */
  readonly before: string
  /** Id of the newer snapshot, of any bucket; `live` for the database as it is now. Default `live`. */
  readonly after?: string
  /** `Name` or `store.Name`; default all. */
  readonly entities?: readonly string[]
}

export interface HistoryOptions extends ScopeOption, SeenAsOption {
  /** Which series. Default: the only one that has the entity; `E_CONFIG` when there are several. */
  readonly series?: string
  /** Default `newest-first`. */
  readonly order?: 'newest-first' | 'oldest-first'
}

/** What changed: between two snapshots, since a snapshot, and in the life of one record. Writes nothing anywhere. */
export interface ISnapshotComparisonService {
  /**
   * The differences, streamed record by record and field by field. Reads only chunks that are not the same on both sides; against the live database, only ranges that
   * it cannot prove unchanged. Records of an older schema are compared as today's: under the names of today, and as up-casters make them.
   *
   * @throws `E_SNAPSHOT_UNKNOWN`, `E_ENTITY_UNKNOWN`, `E_STORE_UNKNOWN`, `E_DIALECT`, `E_CONFIG`, `E_SCHEMA_DRIFT`; while iterating `E_ARCHIVE_*`, `E_STORE_FAILED`, and where up-casters apply `E_RECORD`,
   * `E_SCHEMA_DRIFT`
   */
  compare(options: CompareOptions): Promise<Comparison>
  /**
   * The snapshots of a series in which one record appeared, changed or disappeared. Snapshots without the entity are passed over. The record is seen as today's entity has it, so that a migration with up-casters
   * is no change.
   *
   * @throws while iterating: `E_ENTITY_UNKNOWN`, `E_CONFIG` for a key that is none of the entity's, `E_ARCHIVE_*`; where up-casters apply as `compare`
   */
  history(entity: EntityReference, key: EntityKey, options?: HistoryOptions): AsyncIterable<RecordVersion>
}
