import type { ChunkStore, Repository } from '../archive/index.ts'
import type { ResolvedPlan } from '../plan/resolved-plan.ts'
import type { BackupEnvironment } from './backup-environment.ts'

export interface OpenBuckets {
  /** Holds manifest and session. */
  readonly main: Repository
  /** The chunks of one of the plan's buckets. */
  readonly chunksOf: (bucket: string) => ChunkStore
}

export async function openBuckets(plan: ResolvedPlan, repositoryOf: BackupEnvironment['repositoryOf'], tenant: string | null): Promise<OpenBuckets> {
  const chunks = new Map<string, ChunkStore>()
  const main = await repositoryOf(plan.bucket)
  // The id that the main repository gives holds in all buckets, so that what belongs together can be found. Noted before the first object: a prune must find what it may have to clean up.
  const { id } = main.scopeOf(tenant)
  if (id !== null) await main.scopes.note(id)
  for (const bucket of new Set(plan.entities.map((entity) => entity.bucket))) {
    const repository = await repositoryOf(bucket)
    const scope = repository.scope(id)
    if (id !== null) await repository.scopes.note(id)
    // Before the first chunk: a prune that cannot see the manifests must know that there are some.
    if (repository.id !== main.id) await scope.referrers.note(main.id)
    chunks.set(bucket, scope.writerChunks())
  }
  return { main, chunksOf: (bucket) => chunks.get(bucket)! }
}
