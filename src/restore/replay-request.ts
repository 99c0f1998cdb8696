import type { SchemaChange } from '../evolution/index.ts'
import type { ConflictPolicy } from '../contracts/restore-target.ts'
import type { RestoreDiagnostic } from './restore-diagnostics.ts'

/** How the records that a restore left out are tried again. */
export interface ReplayRequest {
  /** Mends records, entity by entity, on their way: `fix(Order, (order) => ({ ...order, status: order.status ?? 'new' }))`. */
  readonly fix?: readonly SchemaChange[]
  /** Up-casters and the like, beside those that the application declares. */
  readonly upcast?: readonly SchemaChange[]
  /** Which of them. Default: all that are still out. */
  readonly only?: (failed: RestoreDiagnostic) => boolean
  /** What happens to a row that stands there by now and differs from its record. An identical one is done. Default: the policy of the restore. */
  readonly policy?: ConflictPolicy
  /** How many may fail again. Default: all but one; when every one fails, that is `E_RESTORE_REJECTED`. */
  readonly continueOnError?: number
  /** Whether it can be undone. Default true. */
  readonly undo?: boolean
  /** Who asks for it, for the history. At most 200 characters. */
  readonly by?: string
}
