import { type PrunePlace, retain } from '../catalog/index.ts'
import type { Logger } from '../contracts/logger.ts'
import type { HookSet } from '../hooks/index.ts'
import { counted } from '../kernel/amounts.ts'
import type { Clock } from '../kernel/clock.ts'
import type { ResolvedPlan } from '../plan/index.ts'
import type { BucketRepositories } from './bucket-repositories.ts'

/** Every manifest is read, and the chunks are listed. */
const TIMEOUT_MS = 600_000

export interface RetentionParts {
  readonly repositories: BucketRepositories
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * The retention that a plan's policy asks for, as a hook: after each backup that was committed, of that plan and tenant alone. What keeps it from being done is a warning of the backup, which
 * is there whatever becomes of older ones.
 */
export function retentionAfter({ id: plan, policy: { retention: keep } }: ResolvedPlan, { repositories, clock, logger }: RetentionParts): readonly HookSet[] {
  if (keep === null) return []
  return [
    {
      of: 'plan',
      hooks: {
        timeoutMs: TIMEOUT_MS,
        async afterBackup({ status, scope, signal }) {
          if (status !== 'completed') return undefined
          const places: PrunePlace[] = []
          for await (const place of repositories.all({ signal })) places.push(place)
          const { series } = await retain({ places, clock, logger }, { keep, plan, scope, signal })
          const [deleted, kept] = [series.flatMap((one) => one.deleted), series.flatMap((one) => one.kept)]
          return `retention: ${counted(deleted.length, 'snapshot')} deleted, ${kept.length} kept`
        },
      },
    },
  ]
}
