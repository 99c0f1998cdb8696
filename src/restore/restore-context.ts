import type { Manifest, RepositoryScope } from '../archive/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { Logger } from '../contracts/logger.ts'
import type { Clock } from '../kernel/clock.ts'
import type { RestoreSettings } from './check-request.ts'
import type { ProblemLedger } from './problem-ledger.ts'
import type { RestoreMeters } from './restore-meters.ts'

export interface RestoreDependencies {
  readonly manifest: Manifest
  /** Where result and diagnostics are kept: the scope that holds the manifest. */
  readonly repository: RepositoryScope
  /** The scope that holds the chunks of a bucket. */
  readonly bucket: (name: string) => Promise<RepositoryScope>
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly clock: Clock
  readonly logger: Logger
  readonly signal?: AbortSignal | undefined
}

/** What every phase of one restore shares. */
export interface RestoreContext extends Omit<RestoreDependencies, 'signal'>, RestoreSettings {
  readonly id: string
  readonly meters: RestoreMeters
  readonly problems: ProblemLedger
  readonly signal: AbortSignal
}
