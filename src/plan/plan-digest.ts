import { createHash } from 'node:crypto'
import { canonicalJson } from '../kernel/canonical-json.ts'
import type { BackupPolicy } from './backup-policy.ts'
import type { ResolvedPlan } from './resolved-plan.ts'

/** SHA-256 (hex) of all that decides what a session stores and where. Description, hooks, concurrency, load limits, the age of views, retention and when to take a full may change under a running session. */
export function planDigest(plan: Omit<ResolvedPlan, 'digest'>): string {
  const { description: _, hooks: __, policy, scope, ...rest } = plan
  return createHash('sha256')
    .update(canonicalJson({ ...rest, ...(scope ? { scope: scope.by } : {}), policy: lasting(policy) }))
    .digest('hex')
}

function lasting(policy: BackupPolicy): Partial<BackupPolicy> {
  const changing: ReadonlySet<string> = new Set<keyof BackupPolicy>([
    'concurrency',
    'fullAfterDays',
    'fullAfterSnapshots',
    'reconcileEvery',
    'maxViewAgeMs',
    'whenViewAges',
    'source',
    'retention',
  ])
  return Object.fromEntries(Object.entries(policy).filter(([name]) => !changing.has(name)))
}
