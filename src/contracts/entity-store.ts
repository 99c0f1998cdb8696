import type { AbortableOptions } from '../kernel/abort.ts'
import type { ConsistentView } from './consistent-view.ts'
import type { EntityDescriptor, StoreMapping } from './entity-descriptor.ts'
import type { RestoreTarget } from './restore-target.ts'
import type { ScopeFilter } from './row-owner.ts'
import type { SourcePace } from './source-pace.ts'

/** The SQL dialects with a lane. Any other is refused with `E_DIALECT`. */
export type Dialect = 'postgres' | 'sqlite' | 'mysql'

/** What of one entity a view or target works on. */
export interface EntitySelection {
  readonly entity: string
  /** Property paths left out (`@BackupIgnore`). Never a key field. */
  readonly ignore?: readonly string[]
  /** Property paths marked `@Sensitive`; copied onto the descriptors. */
  readonly sensitive?: readonly string[]
  /** Property path of the column that every write of a row moves, as the application declares: a version, an updated-at. What changed is told by it, unless asked for exactly. */
  readonly cursor?: string
  /** Only the rows of one tenant: in a view no other is seen, and a target touches no other. Default: all rows. */
  readonly filter?: ScopeFilter
}

export interface OpenViewOptions extends AbortableOptions {
  readonly entities: readonly EntitySelection[]
  /** Reads that the caller would like to run at once; the view's `parallel` says what it got. Default 1. */
  readonly parallel?: number
  /** Asked wherever rows are read out of the database, to give or to compare them. Default: as fast as it goes. */
  readonly pace?: SourcePace | undefined
}

export interface OpenTargetOptions extends AbortableOptions {
  readonly entities: readonly EntitySelection[]
  /** Names the staging area, so that an abandoned one can be told from a live one. */
  readonly restoreId: string
  /**
   * Equal for restores that do the same. What one that was interrupted has staged may be taken up by the next, as far as the target proves that it is what would be staged now. Default: every restore stages anew. A
   * target that keeps nothing pays it no heed.
   */
  readonly resumes?: string | undefined
}

/** One ORM connection (TypeORM `DataSource`, MikroORM `MikroORM`), seen below the ORM: no hydration, no listeners, no filters, no scopes. */
export interface EntityStore {
  /** Unique among the stores of an application; the ORM's own name for the connection, or `default`. */
  readonly name: string
  readonly dialect: Dialect
  /** From ORM metadata alone; asks no database. */
  readonly mapping: StoreMapping
  /** Which ORM and version, for manifests and reports: `typeorm 1.1.1`. */
  readonly orm: string
  /** Resolves entities against the catalog. Throws `E_SCHEMA_DRIFT` for a mapped table or column that the database lacks. */
  describe(selection: readonly EntitySelection[], options?: AbortableOptions): Promise<readonly EntityDescriptor[]>
  /** Locks the selected tables against schema changes first, then fixes the snapshot. Takes at most `parallel` + 1 connections of the ORM's pool. */
  openView(options: OpenViewOptions): Promise<ConsistentView>
  openTarget(options: OpenTargetOptions): Promise<RestoreTarget>
  /**
   * How far replication is behind, in milliseconds: of the standbys that hang on this database, the slowest; of a database that is a standby itself, its own. Null when
   * it cannot be seen from here. Takes a connection of the pool for a moment. Absent where there is no replication.
   */
  replicationLag?(options?: AbortableOptions): Promise<number | null>
  /** Forgets what the ORM remembers of rows that a restore has just changed below it: result caches, identity map. Called once after a merge has committed. */
  afterRestore?(): Promise<void>
}
