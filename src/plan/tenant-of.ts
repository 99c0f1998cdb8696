import { assertScopeValue } from '../contracts/scope-value.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { ResolvedPlan } from './resolved-plan.ts'

/**
 * A plan with a scope runs for a tenant, any other for none.
 *
 * @throws `E_SCOPE`
 */
export function tenantOf({ id, scope }: Pick<ResolvedPlan, 'id' | 'scope'>, tenant: string | null | undefined): string | null {
  if (scope === undefined && tenant !== null && tenant !== undefined) throw new HoldfastError('E_SCOPE', `plan "${id}" has no scope, and one was given`)
  if (scope === undefined) return null
  if (tenant === null || tenant === undefined) throw new HoldfastError('E_SCOPE', `plan "${id}" backs up one tenant a run, and none was named`)
  assertScopeValue(tenant)
  return tenant
}
