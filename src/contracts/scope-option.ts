import type { AbortableOptions } from '../kernel/abort.ts'

export interface ScopeOption extends AbortableOptions {
  /** The tenant whose sub-repository is meant, and no other is looked into. Default: that of plans without tenants. */
  readonly scope?: string | undefined
}
