/**
 * What a prune looks at. `leftover`: pages of a snapshot that was never committed, or what an interrupted prune has left of one; of a tenant whose keys were destroyed also a folder of other
 * objects. `plan`: a restore plan that can be applied no more; `undo`: the journal of a restore; `restore`: all that was kept of one.
 */
export type PruneKind = 'snapshot' | 'chunk' | 'session' | 'leftover' | 'list' | 'pin' | 'plan' | 'undo' | 'restore'

/** `condemn`: put on a list; a later prune deletes it when it is still so then. */
export type PruneAction = 'delete' | 'condemn' | 'keep'

/**
 * Why. To go: `hidden` (by a tombstone), `unreferenced`, `expired`, `swept` (a list that has done its work), `damaged` (a list that nobody can read), `shredded` (the keys of the tenant were destroyed, so that nobody can read it). To stay: `grace` (condemned not long enough ago), `young` (stored
 * so lately that a backup may be about to refer to it), `future` (dated after the storage's now), `pinned` (being read), `held` (by `discovery.hold`), `open-session` (an unfinished backup builds on it),
 * `newest-of-series` (no other snapshot of its series is visible and whole), `denied` (the storage refused to delete it: retained), `manifest-denied` (a chunk of such a
 * snapshot).
 */
export type PruneReason =
  | 'hidden'
  | 'unreferenced'
  | 'expired'
  | 'swept'
  | 'damaged'
  | 'shredded'
  | 'grace'
  | 'young'
  | 'future'
  | 'pinned'
  | 'held'
  | 'open-session'
  | 'newest-of-series'
  | 'denied'
  | 'manifest-denied'

export interface PruneItem {
  readonly kind: PruneKind
  /** Id of the snapshot, session, list, pin, plan or restore; name of the chunk. */
  readonly name: string
  readonly action: PruneAction
  readonly reason: PruneReason
  readonly bytes: number
}

export interface PruneTally {
  readonly snapshots: number
  readonly chunks: number
  readonly bytes: number
}

export interface PrunedBucket {
  readonly bucket: string
  /** Id of the tenant's scope; null for what belongs to none. */
  readonly scope: string | null
  /** The storage keeps old versions of what is deleted, so that space comes back by its own rules; null when that is not known. */
  readonly keepsVersions: boolean | null
  /** The storage's clock when the prune began; in a dry run the host's. ISO 8601 UTC. */
  readonly at: string
  /** Before the prune: snapshots, hidden ones too, and chunks. `bytes` are those of the chunks. */
  readonly before: PruneTally
  readonly deleted: PruneTally
  readonly condemned: PruneTally
  /** What was to go and stays for now, and why: `{ grace: 3, denied: 1 }`. What snapshots refer to is not counted. */
  readonly kept: Readonly<Partial<Record<PruneReason, number>>>
  /** At most 1000, what goes first; all are counted above. */
  readonly items: readonly PruneItem[]
}

export interface PruneReport {
  /** Nothing was written or deleted: `deleted` and `condemned` are what a prune would do now. */
  readonly dryRun: boolean
  readonly graceMs: number
  /** Why a prune would refuse to do this. Only in a dry run: otherwise it is thrown (`E_PRUNE_REFUSED`). */
  readonly refused: string | null
  readonly buckets: readonly PrunedBucket[]
  /** Over all buckets, by the sizes that the storage listed. A storage that keeps old versions frees them by its own rules. */
  readonly bytesFreed: number
}
