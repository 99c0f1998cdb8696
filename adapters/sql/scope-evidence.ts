import { createHash } from 'node:crypto'
import type { ScopeFilter } from '../../src/contracts/row-owner.ts'
import { canonicalJson } from '../../src/kernel/canonical-json.ts'

/** Which rows evidence speaks of. Under another filter it says nothing. */
export function scopeEvidence(filter: ScopeFilter | undefined): { readonly scope?: string } {
  if (!filter) return {}
  return { scope: createHash('sha256').update(canonicalJson(filter)).digest('hex') }
}
