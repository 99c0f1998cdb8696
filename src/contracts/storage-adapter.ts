import type { AbortableOptions } from '../kernel/abort.ts'

/** What a storage can promise. The same object drives refusals, the conformance suite and the matrix in the README. */
export interface AdapterCapabilities {
  /** `put` with `ifAbsent` is atomic: of many racing writers exactly one wins, the others get `E_STORAGE_EXISTS`. Without it no backup can be written. */
  readonly conditionalPut: boolean
  /** Bodies larger than one request are uploaded in parts. */
  readonly multipart: boolean
  /** `get` honours `range`. Without it a single record is read by reading its whole chunk. */
  readonly rangeRead: boolean
  /** `put` checks `sha256` before it acknowledges. */
  readonly checksumOnPut: boolean
  /** `list` shows every acknowledged `put` and no deleted object. Without it no backup can be committed. */
  readonly strongList: boolean
  /** The place can keep objects from being deleted; `place` tells whether it does. A delete that it denies is `E_PERMISSION`, and prune retains and reports the object. */
  readonly objectLock: boolean
  /** The place can keep what is deleted or replaced as old versions; `place` tells whether it does. Prune says so, since space comes back by the rules of the place then. */
  readonly versioning: boolean
  /**
   * Objects can lie in a tier out of which they must be brought back before they can be read; `stat` and `list` tell (`archived`). A restore that needs one ends before it starts, with
   * `E_STORAGE_COLD`.
   */
  readonly lifecycleTiers: boolean
  /** An acknowledged `put` survives a power cut. */
  readonly durable: boolean
  /** Other machines see the same objects. */
  readonly shared: boolean
  readonly maxObjectBytes: number
  readonly maxKeyBytes: number
}

export interface ObjectStat {
  readonly key: string
  readonly bytes: number
  /** Milliseconds since the epoch, by the storage's clock. */
  readonly modifiedAt: number
  /** It cannot be read before it is brought back from an archive tier. Of a listing: perhaps; `stat` knows whether that was done. Absent where it can be read. */
  readonly archived?: true
}

/** What a place is like, as its service tells. Null: it does not tell, has no such thing, or not to these credentials. */
export interface PlaceFacts {
  /** What is deleted or replaced stays as an old version. */
  readonly versioning: boolean | null
  /** Objects may be kept from being deleted. */
  readonly objectLock: boolean | null
  /** For how long that holds for what is stored without asking for it, in words: `GOVERNANCE, 30 days`. */
  readonly retention: string | null
  /** Rules of the place move objects into a tier out of which they must be brought back. */
  readonly archives: boolean | null
}

export interface PutOptions extends AbortableOptions {
  /** Fail with `E_STORAGE_EXISTS` when the name is taken, leaving what is there. */
  readonly ifAbsent: boolean
  /** SHA-256 (hex) of the body; the adapter refuses to acknowledge anything else where it has `checksumOnPut`. */
  readonly sha256?: string
  /**
   * The caller gives the bytes up, whatever becomes of the call: the adapter may free their memory as soon as it does not need them any more, and should, since so short-lived a thing costs
   * the garbage collector much. Who passes a `put` on and may need the bytes after it, to try again or for another place, leaves this out. Default: they stay the caller's.
   */
  readonly transfer?: boolean
}

export interface GetOptions extends AbortableOptions {
  /** Bytes `start` (inclusive) to `end` (exclusive), as far as there are any: past the end of the object it is cut off, perhaps to nothing. */
  readonly range?: { readonly start: number; readonly end: number }
  /**
   * Are these the bytes that were stored? For a storage that holds several copies: it gives out the first that is accepted, and if none is, one of the others. A storage
   * of one copy need not ask: what it gives out is proved by who reads it.
   */
  readonly accept?: (bytes: Uint8Array) => boolean | Promise<boolean>
}

/**
 * A place that holds immutable objects by name. Names are slash-separated segments of `[A-Za-z0-9._-]`, made by Holdfast; an adapter refuses
 * any other with `E_STORAGE_KEY`, and anything outside its root. What it must guarantee: a `put` is all or nothing and visible only when
 * complete; an acknowledged `put` is readable at once; `get` returns the acknowledged bytes or fails. Errors are those of the table; an
 * `E_STORAGE` whose `details.fatal` is true says that the `put` must count as failed even if the object can be seen (fsync failed), one whose `details.transient` is
 * false that trying again at once is of no use.
 */
export interface StorageAdapter {
  /** For messages and manifests: `fs:/var/backups`. No secrets. */
  readonly name: string
  readonly capabilities: AdapterCapabilities
  put(key: string, body: Uint8Array | readonly Uint8Array[], options: PutOptions): Promise<void>
  /** The whole object or the range. `E_ARCHIVE_MISSING` when there is none. */
  get(key: string, options?: GetOptions): Promise<Uint8Array>
  /** Null when there is none. */
  stat(key: string, options?: AbortableOptions): Promise<ObjectStat | null>
  /** Every object whose name starts with `prefix`, in name order. */
  list(prefix: string, options?: AbortableOptions): AsyncIterable<ObjectStat>
  /** Absent names are not an error. */
  delete(keys: readonly string[], options?: AbortableOptions): Promise<void>
  /**
   * Removes the folder that the prefix names (it ends with a slash), and those in it, where they are empty. By a place that has folders; only for a prefix below which nobody stores anything
   * meanwhile.
   */
  removeFolders?(prefix: string, options?: AbortableOptions): Promise<void>
  /** What the place is like. By an adapter that declares `objectLock` or `versioning`. */
  place?(options?: AbortableOptions): Promise<PlaceFacts>
  /** Free and used bytes, where the storage can tell, at little cost: asked before each backup. Of a file system they are those of the whole of it. */
  quota?(options?: AbortableOptions): Promise<{ readonly usedBytes: number; readonly freeBytes: number }>
  close(): Promise<void>
}
