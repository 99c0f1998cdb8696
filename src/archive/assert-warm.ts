import type { ObjectStat } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { listChunks } from './list-chunks.ts'
import type { ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'

/** Names in the details of an error. */
const NAMED = 100

/**
 * None of the objects lies in an archive tier. Listings name those that may; each of them is then asked after by itself, since one that was brought back is listed as before. What is absent
 * is not its matter.
 *
 * @throws `E_STORAGE_COLD`, with how many there are, and the names of some
 */
export async function assertWarm(space: ObjectSpace, wanted: ReadonlySet<string>, names: ScopeNames, options: AbortableOptions): Promise<void> {
  const folders = new Set([...wanted].map((object) => object.slice(names.chunks().length, names.chunks().length + 2)))
  const unseen = new Set(wanted)
  const cold: string[] = []
  const look = async ({ key, archived }: ObjectStat): Promise<void> => {
    if (archived && unseen.delete(key) && (await space.stat(key, options))?.archived) cold.push(key)
  }
  await listChunks(space, names, folders, look, options)
  if (cold.length === 0) return
  throw new HoldfastError('E_STORAGE_COLD', `${cold.length} of ${wanted.size} objects that are needed lie in an archive tier of ${space.storage.name}`, {
    details: {
      objects: cold.length,
      names: cold
        .toSorted()
        .slice(0, NAMED)
        .map((object) => space.prefix + object),
    },
  })
}
