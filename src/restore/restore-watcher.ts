import type { RepositoryScope } from '../archive/index.ts'
import type { RowWatch } from '../contracts/restore-target.ts'
import type { RestoreContext } from './restore-context.ts'
import { resolveRows } from './resolve-rows.ts'
import type { OwnedRows } from './undo-journal.ts'
import { type RowObserver, watchRows } from './watch-rows.ts'
import type { RowSelection } from './row-selection.ts'
import type { OpenStore } from './open-stores.ts'

/** Of the restore whose rows are watched. */
export interface WatchedRestore {
  readonly id: string
  readonly repository: Pick<RepositoryScope, 'restores'>
  /** Whose rows there are. */
  readonly tenant: string | null
  /** How the rows of a live entity lead to their tenant. */
  readonly ownedOf: (store: string, entity: string) => OwnedRows
  /** Which rows of its entities come back. */
  readonly selection?: RowSelection | undefined
  readonly signal: AbortSignal
}

/** Watches one restore. A step that has to be done again is watched anew. */
export interface RestoreWatcher {
  /** It keeps what it takes to undo the restore. */
  readonly journals: boolean
  comparing?(store: OpenStore): readonly RowObserver[]
  merging?(store: OpenStore): readonly RowObserver[]
}

/** Who looks at the rows of a step: resolvers, then those who note what becomes of them. Nobody mostly. */
export function watching(step: 'comparing' | 'merging', store: OpenStore, context: RestoreContext): { readonly watch?: RowWatch } {
  const resolving = context.resolvers.length > 0 ? [resolveRows(store, context)] : []
  const observers = [...resolving, ...(context.watcher?.[step]?.(store) ?? [])]
  return observers.length === 0 ? {} : { watch: watchRows(observers) }
}
