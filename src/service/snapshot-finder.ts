import type { Manifest, Repository } from '../archive/index.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { isUuid } from '../kernel/ids.ts'
import type { BucketRepositories } from './bucket-repositories.ts'

export interface FoundSnapshot {
  readonly bucket: string
  readonly repository: Repository
  readonly manifest: Manifest
}

/** Looks for a snapshot in every bucket. @throws `E_SNAPSHOT_UNKNOWN` */
export async function findSnapshot(repositories: BucketRepositories, id: string, options: ScopeOption = {}): Promise<FoundSnapshot> {
  let replaced: HoldfastError | null = null
  const look = (place: Omit<FoundSnapshot, 'manifest'>) =>
    manifestIn(place, id, options).catch((error: unknown) => {
      if (!isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) throw error
      if (error.details?.replacedBy !== undefined) replaced = error
      return null
    })
  const found = isUuid(id) ? await repositories.find(look, { signal: options.signal }) : null
  if (found) return found
  throw replaced ?? unknownSnapshot(repositories, id)
}

export function unknownSnapshot(repositories: BucketRepositories, id: string): HoldfastError {
  return new HoldfastError('E_SNAPSHOT_UNKNOWN', `there is no snapshot ${JSON.stringify(id)} in ${repositories.names.map((name) => `"${name}"`).join(', ')}`)
}

async function manifestIn({ bucket, repository }: Omit<FoundSnapshot, 'manifest'>, id: string, options: ScopeOption): Promise<FoundSnapshot> {
  return { bucket, repository, manifest: await repository.scopeOf(options.scope).readManifest(id, { signal: options.signal }) }
}
