import type { Writable } from 'node:stream'
import type { SnapshotKind } from '../archive/index.ts'
import type { TransferProgress } from '../bundle/index.ts'
import type { KeyProvider } from '../contracts/key-provider.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import type { ErasedCount } from '../erasure/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'

/** A file, or what gives its bytes. A stream is taken into the system's temporary folder first, as it is: a bundle is read from its end. */
export type BundleFrom = string | AsyncIterable<Uint8Array>

export interface ExportBundleOptions extends ScopeOption {
  /** Path of the file, which must not be there yet; or a stream, which is ended when the bundle is whole and destroyed when it fails. */
  readonly to: string | Writable
  /**
   * Who can open it: one to eight, of whom public keys will do (`recipient({ publicKey })`). The bundle has keys of its own; those of the repository are not in it. Default: the providers of the
   * bucket, when that is encrypted; else the bundle is plain.
   */
  readonly recipients?: readonly KeyProvider[]
  /** A bundle that anybody can read, although the bucket is encrypted. */
  readonly plain?: true
  /** Called after each range of keys. */
  readonly onProgress?: (progress: TransferProgress) => void
}

export interface BundleReport {
  readonly snapshotId: string
  readonly bytes: number
  /** SHA-256 (hex) of the whole bundle. */
  readonly sha256: string
  readonly entities: number
  readonly records: number
  /** Who can open it; null when anybody can. */
  readonly openedBy: readonly { readonly kind: string; readonly reference: string }[] | null
  /** Records of the snapshot that are not in the bundle, because they were erased. */
  readonly erased: readonly ErasedCount[]
}

export interface ImportBundleOptions extends ScopeOption {
  /** What opens it: `recipient({ privateKey })`, a key file, a passphrase. Default: the providers of the bucket, for a bundle that is encrypted. A plain bundle is refused when there are any. */
  readonly identities?: readonly KeyProvider[]
  /** Where it goes. Default: the bucket of the plan, when a plan of its id is registered; else the only bucket there is. */
  readonly bucket?: string
  /** The bundle is encrypted and the bucket is not, and that is what is wanted. */
  readonly plain?: true
  /** Called after each range of keys. */
  readonly onProgress?: (progress: TransferProgress) => void
}

export interface ImportReport {
  readonly snapshotId: string
  readonly planId: string
  readonly bucket: string
  /** `present`: the same snapshot was there already, and nothing was written. */
  readonly outcome: 'imported' | 'present'
  readonly entities: number
  readonly records: number
}

export interface InspectBundleOptions extends AbortableOptions {
  readonly identities?: readonly KeyProvider[]
  /** Also reads everything, and proves every line. Default false. */
  readonly verify?: boolean
}

/** What a bundle is. What is sealed is null when nobody here can open it. */
export interface BundleFacts {
  readonly bytes: number
  readonly objects: number
  /** Who can open it; null when anybody can. */
  readonly openedBy: BundleReport['openedBy']
  readonly snapshot: {
    readonly id: string
    readonly planId: string
    readonly series: string
    readonly kind: SnapshotKind
    /** The tenant's name; null where there is none. */
    readonly scope: string | null
    readonly viewAt: string
    readonly committedAt: string
    /** The repository that took it. */
    readonly repositoryId: string
    readonly stores: readonly { readonly name: string; readonly orm: string; readonly dialect: string; readonly database: string }[]
    readonly entities: readonly { readonly store: string; readonly entity: string; readonly records: number; readonly plainBytes: number }[]
    readonly records: number
  } | null
  /** Every line of it was proved. */
  readonly verified: boolean
}

/** `ndjson`: a line a record, and back. `csv`: RFC 4180, a file an entity. `sql`: a script of INSERT statements for the database that the records are from. */
export type RecordsFormat = 'ndjson' | 'csv' | 'sql'

export interface ExportRecordsOptions extends ScopeOption {
  readonly format: RecordsFormat
  /** Path of a file, or for the CSV of several entities of a folder, which must not be there yet; or a stream, as in `export`. */
  readonly to: string | Writable
  /** `Name` or `store.Name`. Default all: in CSV a folder then. */
  readonly entities?: readonly string[]
  /** Also give the values of sensitive fields. By default they are `•••`, and left out of SQL. */
  readonly revealSensitive?: true
  /**
   * Replace sensitive values on their way, as `createHoldfast({ masking })` and `@Sensitive({ mask })` say; refused while a column that is or looks sensitive is neither masked nor declared plain. What the database computes out of
   * masked columns is `•••`. Not beside `revealSensitive`.
   */
  readonly mask?: true
  /** The bucket is encrypted, and what is written is not: that has to be said. */
  readonly plain?: true
  /** Called as records are written. */
  readonly onProgress?: (progress: RecordsProgress) => void
}

export interface RecordsProgress {
  readonly records: number
  readonly totalRecords: number
}

export interface RecordsReport {
  readonly snapshotId: string
  readonly format: RecordsFormat
  /** `path` is null for a stream, `entity` where all are in one file. */
  readonly files: readonly {
    readonly path: string | null
    readonly entity: string | null
    readonly records: number
    readonly bytes: number
    readonly sha256: string
  }[]
  readonly records: number
  /** Fields whose values were not given. */
  readonly hidden: readonly { readonly store: string; readonly entity: string; readonly fields: readonly string[] }[]
  /** Fields whose values were replaced, and by which masker. */
  readonly masked: readonly { readonly store: string; readonly entity: string; readonly field: string; readonly masker: string }[]
  readonly erased: readonly ErasedCount[]
}

export interface ImportRecordsOptions extends Pick<ImportBundleOptions, 'bucket' | 'scope' | 'signal'> {
  /** Called as records are stored. */
  readonly onProgress?: (progress: { readonly records: number }) => void
}

/** One snapshot in one file, to be taken elsewhere. */
export interface IBundleService {
  /**
   * Writes a snapshot into a bundle: a whole repository of one snapshot in one file, with keys of its own. It holds the records of the snapshot and nothing else: no earlier versions of
   * rows, nothing that was erased, nothing of another tenant. Every chunk is proved on the way.
   *
   * @throws `E_SNAPSHOT_UNKNOWN`, `E_STORAGE_EXISTS` when the file is there, `E_CONFIG`, `E_KEY_SHREDDED`, `E_ARCHIVE_MISSING`, `E_ARCHIVE_CORRUPT`, `E_STORAGE_FULL` …; no file is left then
   */
  export(snapshotId: string, options: ExportBundleOptions): Promise<BundleReport>
  /**
   * Puts the snapshot of a bundle into a bucket, from where it is listed, read, compared and restored like any other. Every chunk is proved and sealed with the keys of the bucket; the snapshot is visible
   * when all of it is there. No backup is built on it. Importing the same again writes nothing.
   *
   * @throws `E_KEY_MISSING`, `E_KEY_WRONG` when it cannot be opened, `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_MISSING`, `E_ARCHIVE_FORMAT` when it is not whole, `E_SCOPE` when it is of another tenant than `scope` says,
   * `E_STORAGE_EXISTS` when another snapshot of that id is there, `E_CONFIG`, `E_CONDEMNED` when a prune came in between: import again; nothing is visible then
   */
  import(from: BundleFrom, options?: ImportBundleOptions): Promise<ImportReport>
  /**
   * Writes the records of a snapshot, or of some of its entities, as text that other programs read. What was erased is left out, and so are the values of sensitive fields unless they are asked for.
   *
   * @throws `E_MASKING` with every reason, before any record is read; `E_SNAPSHOT_UNKNOWN`, `E_ENTITY_UNKNOWN`, `E_STORAGE_EXISTS`, `E_CONFIG`: an encrypted bucket without `plain`, several entities of CSV into a stream, SQL of several stores, or of a column that must
   * have a value and is not shown; `E_DIALECT`, `E_KEY_SHREDDED`, `E_ARCHIVE_MISSING`, `E_ARCHIVE_CORRUPT`, `E_STORAGE_FULL` …; nothing is left then
   */
  exportRecords(snapshotId: string, options: ExportRecordsOptions): Promise<RecordsReport>
  /**
   * Makes a snapshot, under the id it had, of NDJSON that `exportRecords` wrote with all values. Its last line must bear out all others: what was edited is refused, since nobody but the database
   * could say in which order its keys belong.
   *
   * @throws `E_ARCHIVE_CORRUPT`, `E_RECORD`, `E_ARCHIVE_FORMAT` when it is not as it was written, `E_CONFIG` when values are missing, `E_SCOPE`, `E_STORAGE_EXISTS` when there is a snapshot of that id, `E_CONDEMNED`; nothing is
   * visible then
   */
  importRecords(from: BundleFrom, options?: ImportRecordsOptions): Promise<ImportReport>
  /**
   * Says what a bundle holds. Without an identity: its size and who can open it.
   *
   * @throws `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_MISSING`, `E_ARCHIVE_FORMAT`; with identities `E_KEY_MISSING`, `E_KEY_WRONG`
   */
  inspect(from: BundleFrom, options?: InspectBundleOptions): Promise<BundleFacts>
}
