import type { ErasedCount } from '../erasure/index.ts'

export interface RewrittenSnapshot {
  readonly id: string
  /** The snapshot that stands in its place; null in a dry run. */
  readonly replacement: string | null
  readonly bucket: string
  readonly planId: string
  readonly series: string
  /** ISO time of the state that both hold. */
  readonly viewAt: string
  /** Records that are in the old one and not in the new one. None where it held them only beneath later changes, or as bounds of ranges; or where an earlier run had written the new one already. */
  readonly records: readonly ErasedCount[]
}

/** A snapshot that was left as it is, and holds what was erased. */
export interface RetainedHolding {
  readonly id: string
  readonly bucket: string
  /** Why: ids of its holds. */
  readonly holds: readonly string[]
}

/** What a bucket does with objects that are deleted. */
export interface BucketProtection {
  readonly bucket: string
  /** What is deleted stays as an old version; null when the storage does not tell. */
  readonly keepsVersions: boolean | null
  /** Objects may be kept from being deleted; null when the storage does not tell. */
  readonly objectLock: boolean | null
  /** For how long that holds by itself, in words. */
  readonly retention: string | null
}

/** What a rewrite did with the snapshots, or in a dry run would do. */
export interface ErasureRewrite {
  readonly dryRun: boolean
  /** Snapshots that were looked at. */
  readonly looked: number
  /** Those that held something of what was erased, oldest first. */
  readonly snapshots: readonly RewrittenSnapshot[]
  readonly retained: readonly RetainedHolding[]
  /** Chunks of the old snapshots that nothing else refers to; a prune deletes them, a grace period from now at the earliest. In a dry run null: it is known when all are rewritten. */
  readonly condemned: number | null
  /** Buckets with their chunks. */
  readonly buckets: readonly BucketProtection[]
  /** Unfinished backups of the tenant: what they have stored may hold it, until they are cancelled and pruned. */
  readonly unfinished: readonly string[]
  /** Restores and restore plans that are kept with the tenant: their journals of undo, diagnostics and samples may hold it, until they are pruned. */
  readonly restores: readonly string[]
}
