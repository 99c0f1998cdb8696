import { createHash } from 'node:crypto'
import { canonicalJson } from '../kernel/canonical-json.ts'
import type { ResolvedPlan } from './resolved-plan.ts'

/** SHA-256 (hex) of all that decides what a session stores and where. Description, concurrency and when to take a full may change under a running session. */
export function planDigest(plan: Omit<ResolvedPlan, 'digest'>): string {
  const { description: _, policy, ...rest } = plan
  const { concurrency: __, fullAfterDays: ___, fullAfterSnapshots: ____, ...lasting } = policy
  return createHash('sha256')
    .update(canonicalJson({ ...rest, policy: lasting }))
    .digest('hex')
}
