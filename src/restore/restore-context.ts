import type { Manifest, RepositoryScope } from '../archive/index.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { Logger } from '../contracts/logger.ts'
import type { ErasedCount, ErasedRows } from '../erasure/index.ts'
import type { EvolvedManifest, SchemaChanges, SchemaOutcome } from '../evolution/index.ts'
import type { HookRuns } from '../hooks/index.ts'
import type { MaskRules } from '../masking/index.ts'
import type { Clock } from '../kernel/clock.ts'
import type { RestoreSettings } from './check-request.ts'
import type { MaskedColumn } from './mask-shapes.ts'
import type { ProblemLedger } from './problem-ledger.ts'
import type { RestoreWatcher, WatchedRestore } from './restore-watcher.ts'
import type { RowSelection } from './row-selection.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { RestoreMeters } from './restore-meters.ts'
import type { RestoreResult } from './restore-result.ts'
import type { RestoreRequest } from './restore-request.ts'
import type { TriedBefore } from './kept-failures.ts'

export interface RestoreDependencies {
  readonly manifest: Manifest
  /** The whole snapshot, where `manifest` has a part of it: what a record belongs to may be elsewhere. Default: `manifest`. */
  readonly whole?: Manifest
  /** Where result, diagnostics, plan and undo are kept: with the tenant whose rows are restored. And the ledger of what was erased. */
  readonly repository: Pick<RepositoryScope, 'restores' | 'erasures'>
  /** The scope that holds the chunks of a bucket. */
  readonly bucket: (name: string) => Promise<RepositoryScope>
  readonly stores: ReadonlyMap<string, EntityStore>
  /** What the application declared of older schemas. Default: nothing. */
  readonly schema?: SchemaChanges | undefined
  /** How values are masked where a request asks for it. */
  readonly masking?: MaskRules | undefined
  /** Called around what writes. Default: none. */
  readonly hooks?: HookRuns | undefined
  readonly clock: Clock
  readonly logger: Logger
  /** Sees every row that the restore touches. */
  readonly watch?: (of: WatchedRestore) => RestoreWatcher
  /** Makes an object of a line, its 0x0A included. */
  readonly readRecord?: (descriptor: EntityDescriptor) => (line: Buffer) => Readonly<Record<string, unknown>>
  /** Which rows of the manifest's entities come back. Default: all. */
  readonly selection?: RowSelection
  /** Called with the result before the session ends; what it throws ends the session. */
  readonly finish?: (result: RestoreResult, options: AbortableOptions) => Promise<void>
  /** The plan that is applied. */
  readonly applies?: string
  /** The restore whose failed records are tried again. */
  readonly replays?: string
  /** How often a record was tried before, by its key in the snapshot. */
  readonly triedBefore?: TriedBefore
  readonly signal?: AbortSignal | undefined
}

/** What every phase of one restore shares. */
export interface RestoreContext extends Omit<RestoreDependencies, 'signal' | 'schema' | 'masking' | 'watch'>, RestoreSettings {
  /** Null when nothing is to be masked. */
  readonly masking: MaskRules | null
  /** Columns that are, as they are found. */
  readonly masked: MaskedColumn[]
  /** Records that are left out, because they were erased. */
  readonly erased: ErasedRows
  /** How many of what is restored, as they are found. */
  readonly leftOut: ErasedCount[]
  /** Of the chosen entities, whose manifest has their names of today. */
  readonly evolutionOf: EvolvedManifest['evolutionOf']
  readonly outcomes: readonly SchemaOutcome[]
  readonly watcher?: RestoreWatcher | undefined
  /** Whose live rows there are: that of the snapshot, unless another is asked for. Null where there are no tenants. */
  readonly tenant: string | null
  readonly id: string
  /** The manifest with the names that the snapshot has. */
  readonly original: Manifest
  /** What was asked for. */
  readonly request: RestoreRequest
  readonly meters: RestoreMeters
  readonly problems: ProblemLedger
  readonly signal: AbortSignal
}
