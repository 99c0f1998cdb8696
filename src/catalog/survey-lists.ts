import type { CondemnedEntry, RepositoryScope } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { SWEEP_WINDOW_MS } from './sweep-window.ts'

export interface ListGroup {
  readonly listId: string
  readonly storedAt: number | null
  readonly runAt: number | null
  readonly sweptAt: number | null
  /** It cannot be read, and no other prune is at work that could have read it before. */
  readonly damaged: boolean
  /** Empty when it was swept: nobody needs to read it any more. */
  readonly snapshots: readonly string[]
  readonly chunks: readonly string[]
}

/**
 * A list that is damaged stops writers and prunes, and is good for nothing: nobody can delete by it any more, but a prune that read it while it was whole. So it goes, once no other prune is at
 * work; what it named is condemned anew.
 */
export async function surveyLists(
  { condemned }: RepositoryScope,
  begun: { readonly id: string; readonly now: number },
  options: AbortableOptions,
): Promise<ListGroup[]> {
  const entries: CondemnedEntry[] = []
  for await (const entry of condemned.list(options)) if (entry.listId !== begun.id) entries.push(entry)
  const alone = entries.every(({ runAt }) => runAt === null || runAt + SWEEP_WINDOW_MS < begun.now)
  const lists: ListGroup[] = []
  for (const entry of entries) {
    const open = entry.sweptAt === null
    // Writers read lists that were swept, too.
    const read = entry.storedAt !== null && (open || alone) ? await readList(condemned, entry.listId, alone, options) : NOTHING_NAMED
    lists.push({ ...entry, ...((open && read) || NOTHING_NAMED), damaged: read === null })
  }
  return lists
}

const NOTHING_NAMED = { snapshots: [], chunks: [] } as const

/** Null when it is damaged in the storage, not only on the way here, and may go. */
async function readList(
  { read }: RepositoryScope['condemned'],
  listId: string,
  mayGo: boolean,
  options: AbortableOptions,
): Promise<Pick<ListGroup, 'snapshots' | 'chunks'> | null> {
  for (let tries = mayGo ? 2 : 1; ; tries--) {
    try {
      return await read(listId, options)
    } catch (error) {
      if (!isHoldfastError(error, 'E_ARCHIVE_CORRUPT') || (tries === 1 && !mayGo)) throw error
      if (tries === 1) return null
    }
  }
}
