import { assertScopeValue } from '../../src/contracts/scope-value.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'

/** The tenants that the query of a request names; null: what belongs to none. One, or two where rows go from one to another. */
export function scopesOf(query: unknown): readonly (string | null)[] {
  const { scope, targetScope } = query as Readonly<Record<string, unknown>>
  const [from, to] = [only('scope', scope), only('targetScope', targetScope)]
  return to === null || to === from ? [from] : [from, to]
}

/** Named twice it would be one tenant to who decides, and another to who does. */
function only(name: string, value: unknown): string | null {
  if (value === undefined) return null
  if (typeof value !== 'string') throw new HoldfastError('E_REQUEST', `\`${name}\` is given more than once`)
  assertScopeValue(value)
  return value
}

/** What follows a path that leads to something of a tenant. */
export function scopeQuery(scope: string | null | undefined): string {
  return scope === null || scope === undefined ? '' : `?scope=${encodeURIComponent(scope)}`
}
