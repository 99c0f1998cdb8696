import type { ObjectStat } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { mapOrdered } from '../kernel/map-ordered.ts'
import type { ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'

/** Folders listed at once. */
const PARALLEL = 4
/** What S3 and Google give with one request; others give more. */
const PAGE = 1000

/**
 * Shows all chunks and indexes of the folders (two hex digits) to `see`, some perhaps twice, and perhaps others. A folder by itself costs a request, and a wait for it; where the storage holds so
 * little that the folders come cheaper with all the others, everything is listed from the start, as long as that stays so.
 */
export async function listChunks(
  space: ObjectSpace,
  names: ScopeNames,
  folders: ReadonlySet<string>,
  see: (stat: ObjectStat) => Promise<void> | void,
  options: AbortableOptions,
): Promise<void> {
  const sorted = [...folders].toSorted()
  const left = sorted.length > PARALLEL ? await listFromStart(space, names, sorted, see, options) : sorted
  const look = async (hex: string): Promise<void> => {
    for await (const stat of space.list(names.chunks(hex), options)) await see(stat)
  }
  for await (const _ of mapOrdered(left, PARALLEL, look));
}

/** Gives back the folders that are better listed by themselves. Names are hashes: what came so far says how many pages are to come up to the last folder. */
async function listFromStart(
  space: ObjectSpace,
  names: ScopeNames,
  folders: readonly string[],
  see: (stat: ObjectStat) => Promise<void> | void,
  options: AbortableOptions,
): Promise<readonly string[]> {
  const root = names.chunks()
  const end = Number.parseInt(folders.at(-1)!, 16) + 1
  let seen = 0
  for await (const stat of space.list(root, options)) {
    await see(stat)
    if (++seen % PAGE !== 0) continue
    const here = stat.key.slice(root.length, root.length + 2)
    const left = folders.filter((hex) => hex >= here)
    const through = Number.parseInt(here, 16) + 1
    const pagesLeft = ((seen / PAGE) * (end - through)) / through
    if (left.length === 0 || pagesLeft > left.length / PARALLEL) return left
  }
  return []
}
