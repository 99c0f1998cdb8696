import type { RepositoryScope, RestoreLog } from '../archive/index.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { isUuid } from '../kernel/ids.ts'
import type { RestoreResult } from '../restore/index.ts'
import type { BucketRepositories } from './bucket-repositories.ts'

/** What of a restore is kept, and where. */
export interface Kept<T> {
  readonly value: T
  readonly repository: RepositoryScope
}

/** Looks with the tenant in every bucket; null when it is in none. */
export async function findKept<T>(
  repositories: BucketRepositories,
  restoreId: string,
  read: (log: RestoreLog) => Promise<unknown>,
  { scope: tenant, ...options }: ScopeOption,
): Promise<Kept<T> | null> {
  if (!isUuid(restoreId)) return null
  return repositories.find(async ({ repository }) => {
    const scope = repository.scopeOf(tenant)
    try {
      return { value: (await read(scope.restores)) as T, repository: scope }
    } catch (error) {
      if (isHoldfastError(error, 'E_ARCHIVE_MISSING')) return null
      throw error
    }
  }, options)
}

/** Plans are in no list. */
const PLAN_HINT =
  'Its id is what `restores.plan()` or `holdfast plan` gave out; a plan of a tenant is found with its `scope` (`--scope`). Plans that are long expired are pruned: plan again.'

/** @throws `E_RESTORE_UNKNOWN` */
export function known<T>(kept: Kept<T> | null, what: 'restore' | 'plan', id: string): Kept<T> {
  if (kept) return kept
  throw new HoldfastError('E_RESTORE_UNKNOWN', `there is no ${what} ${JSON.stringify(id)} here`, what === 'plan' ? { hint: PLAN_HINT } : {})
}

const TOLD_NOTHING = {
  scope: null,
  targetScope: null,
  by: null,
  name: null,
  applies: null,
  undoes: null,
  replays: null,
  undoable: false,
  schema: [],
  masked: [],
  erased: [],
  hooks: [],
}

/** Results that were stored before restores could leave records out, delete rows or be undone do not tell of it. */
export function ofToday(result: RestoreResult): RestoreResult {
  const none = { absent: 0, failed: 0, delete: 0 }
  return {
    ...TOLD_NOTHING,
    ...result,
    totals: { ...none, ...result.totals },
    entities: result.entities.map((entity) => ({ ...none, ...entity })),
  }
}
