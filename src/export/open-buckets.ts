import type { ChunkStore, Repository } from '../archive/index.ts'
import type { ResolvedPlan } from '../plan/resolved-plan.ts'
import type { BackupEnvironment } from './backup-environment.ts'

export interface OpenBuckets {
  /** Holds manifest and session. */
  readonly main: Repository
  /** The chunks of one of the plan's buckets. */
  readonly chunksOf: (bucket: string) => ChunkStore
}

export async function openBuckets(plan: ResolvedPlan, repositoryOf: BackupEnvironment['repositoryOf']): Promise<OpenBuckets> {
  const chunks = new Map<string, ChunkStore>()
  const main = await repositoryOf(plan.bucket)
  for (const bucket of new Set(plan.entities.map((entity) => entity.bucket))) {
    const repository = await repositoryOf(bucket)
    const scope = repository.scope()
    // Before the first chunk: a prune that cannot see the manifests must know that there are some.
    if (repository.id !== main.id) await scope.referrers.note(main.id)
    chunks.set(bucket, scope.writerChunks())
  }
  return { main, chunksOf: (bucket) => chunks.get(bucket)! }
}
