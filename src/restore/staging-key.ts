import { createHash } from 'node:crypto'
import { canonicalJson } from '../kernel/canonical-json.ts'
import type { RestoreContext } from './restore-context.ts'

/**
 * Equal for restores of the same snapshot, or plan, to the same place. What else was asked for, and what up-casters and masks make of records, says nothing here: what a target takes up it proves by the lines
 * themselves.
 */
export function stagingKey({ manifest, request, tenant, applies }: Pick<RestoreContext, 'manifest' | 'request' | 'tenant' | 'applies'>): string {
  const told = [manifest.snapshotId, tenant, applies ?? null, request.into ?? {}]
  return createHash('sha256').update(canonicalJson(told)).digest('hex')
}
