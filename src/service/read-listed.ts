import type { Manifest, RepositoryScope } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { type HoldfastError, isHoldfastError } from '../kernel/errors.ts'

/** Ids in a hint. */
const NAMED = 5
const DAMAGE = ['E_ARCHIVE_CORRUPT', 'E_ARCHIVE_MISSING'] as const

interface ReadListedOptions extends AbortableOptions {
  readonly newestFirst?: boolean
  /** Whose snapshots they are. */
  readonly tenant?: string | null | undefined
}

interface Listed {
  readonly id: string
  readonly ids: readonly string[]
  readonly tenant: string | null
}

/** Is it the snapshot that is damaged? Where a key is, no other could be read, and all of them can when it is back. */
function isOf(error: HoldfastError, { id }: Listed): boolean {
  return DAMAGE.some((code) => code === error.code) && error.message.includes(`snapshots/${id}/`)
}

/** Manifests of all snapshots that are listed, one by one, oldest first or newest; those that were deleted since are left out. @throws what keeps one from being read, with the ways on */
export async function* readListed(scope: RepositoryScope, { newestFirst = false, tenant = null, ...options }: ReadListedOptions) {
  const ids: string[] = []
  for await (const { id } of scope.listSnapshots(options)) ids.push(id)
  for (const id of newestFirst ? ids.toReversed() : ids) {
    const manifest = await readUnlessDeleted(scope, { id, ids, tenant }, options)
    if (manifest) yield { id, manifest }
  }
}

async function readUnlessDeleted(scope: RepositoryScope, listed: Listed, options: AbortableOptions): Promise<Manifest | null> {
  try {
    return await scope.readManifest(listed.id, options)
  } catch (error) {
    if (isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN')) return null
    throw isHoldfastError(error) && isOf(error, listed) ? unreadable(error, listed) : error
  }
}

/** Whoever asked for a list, or for the latest, does not get one that may lack what he is after; and is not left without the others either. */
function unreadable(error: HoldfastError, { id, ids, tenant }: Listed): HoldfastError {
  const others = ids.filter((other) => other !== id).toReversed()
  const named = others.length > 0 ? ` The others can be named by their ids: ${others.slice(0, NAMED).join(', ')}${others.length > NAMED ? ' …' : ''}.` : ''
  return error
    .withDetails({ snapshotId: id })
    .withHint(
      `Snapshot ${id} cannot be read, and there is no list without it.${named} Bring it back from a copy of the storage, or take it out of the lists: holdfast delete ${id}${tenant === null ? '' : ` --scope ${tenant}`} --reason "it is damaged".`,
    )
}
