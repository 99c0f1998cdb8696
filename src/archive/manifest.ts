import type { ChangeEvidence } from '../contracts/change-evidence.ts'
import type { ConsistencyLevel, SequenceState, SourceIdentity } from '../contracts/consistent-view.ts'
import type { HookRecord } from '../contracts/hooks.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { RowOwner } from '../contracts/row-owner.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { ChunkRef } from './chunk-ref.ts'

export type SnapshotKind = 'full' | 'incremental' | 'differential'
export type Trigger = 'manual' | 'automatic'

/** The records of the keys `from` (inclusive) to `to` (exclusive). The ranges of an entity cover all keys, without gap or overlap, in key order. */
export interface RangeEntry {
  readonly from: KeyText | null
  readonly to: KeyText | null
  readonly rows: number
  /** SHA-256 (hex) of the merged lines; of nothing when the range is empty. Null where a delta was layered without the merged lines having been at hand. */
  readonly sha256: string | null
  /** What the database's own digest function said of the range: text that only the store that gave it understands. */
  readonly digest?: string
  readonly firstKey: KeyText | null
  readonly lastKey: KeyText | null
  /** The base first, then deltas; none when the range is empty. */
  readonly layers: readonly ChunkRef[]
  /** Index into the entity's `change.evidence`: that of the view that read the range or last proved it unchanged. */
  readonly evidence: number
}

export interface ManifestEntity {
  readonly descriptor: EntityDescriptor
  /** Name of the storage bucket that holds its chunks. */
  readonly bucket: string
  readonly rows: number
  readonly plainBytes: number
  readonly storedBytes: number
  readonly change: {
    readonly method: string
    readonly evidence: readonly ChangeEvidence[]
    /** Digest of the entity's schema and of the order of its keys: ranges mean something only under the same. Absent: nothing can be built on this entity. */
    readonly schema?: string
    /** Ranges taken over as they were, and ranges read. */
    readonly reused: number
    readonly read: number
  }
  readonly ranges: readonly RangeEntry[]
  readonly sensitive: readonly string[]
  readonly ignored: readonly string[]
  /** How its rows lead to their tenant: those of the manifest's tenant, and no others, are in the snapshot. */
  readonly owner?: RowOwner
  /** Its rows are of all tenants, and all in the snapshot. */
  readonly shared?: true
}

export interface ManifestStore {
  readonly name: string
  readonly orm: string
  readonly source: SourceIdentity
  readonly consistency: { readonly level: ConsistencyLevel; readonly method: string; readonly point?: string; readonly at: string }
  readonly migrations: readonly string[]
  readonly sequences: readonly SequenceState[]
}

/** Where a snapshot stands among those of its series. */
export interface Lineage {
  /** The latest full up to this snapshot, and the moment whose state it holds. */
  readonly full: string
  readonly fullAt: string
  /** Snapshots taken since that full; 0 for the full itself. */
  readonly distance: number
}

/** A snapshot: everything needed to read it, and to take the next one from it. */
export interface Manifest {
  readonly format: 1
  readonly requiredFeatures: readonly string[]
  readonly repositoryId: string
  readonly snapshotId: string
  readonly plan: { readonly id: string; readonly digest: string; readonly description: string }
  readonly series: string
  readonly kind: SnapshotKind
  /** The snapshot whose ranges were held against the database; null for a full. Nothing of it is needed to read this one. */
  readonly parent: string | null
  /** Why the kind is another one than was asked for. */
  readonly kindReason?: string
  /** Absent in snapshots that an older Holdfast took; the next automatic one is a full then. */
  readonly lineage?: Lineage
  /** The repository that took the snapshot; absent where that is this one. Nothing is built on a snapshot that came in a bundle. */
  readonly origin?: { readonly repositoryId: string }
  /** The snapshot in whose place it stands: the same, without records that were erased. ISO 8601 UTC. */
  readonly replaces?: { readonly snapshotId: string; readonly at: string }
  readonly scope: string | null
  /** The tenant's name, exactly as it stands in the rows; absent where there is no scope. */
  readonly tenant?: string
  /** ISO 8601 UTC. `viewAt` is by the database's clock, the others by the host's. */
  readonly times: { readonly startedAt: string; readonly viewAt: string; readonly committedAt: string }
  readonly stores: readonly ManifestStore[]
  readonly consistency: {
    readonly level: ConsistencyLevel
    readonly window: { readonly from: string; readonly to: string }
    readonly warnings: readonly string[]
  }
  /** `schemaFingerprint` of the entities' descriptors. */
  readonly schemaFingerprint: string
  readonly entities: readonly ManifestEntity[]
  readonly totals: { readonly entities: number; readonly rows: number; readonly plainBytes: number; readonly storedBytes: number; readonly chunks: number }
  readonly trigger: Trigger
  readonly metadata: Readonly<Record<string, string>>
  /** How the application's hooks went, up to the commit; absent when none was called. */
  readonly hooks?: readonly HookRecord[]
  readonly tool: { readonly name: 'holdfast'; readonly version: string }
}
