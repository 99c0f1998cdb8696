import type { AbortableOptions } from '../kernel/abort.ts'
import type { EntityCopy } from './entity-copy.ts'
import { storedRange } from './stored-range.ts'

/**
 * Asks the database for its own digest of every range that has none, once the entity is whole: the next run compares by it, without the rows being read out. Does
 * nothing for stores without such digests, and where they are told from what is read: a range that still has none is too long for one. Journals are written
 * before, so a session that is resumed compares lines.
 */
export async function addDigests(copy: EntityCopy, { signal }: AbortableOptions): Promise<void> {
  if (!copy.view.digests || !copy.settled || copy.newDigester() !== null) return
  const bare = [...copy.image.pieces()].flatMap(({ known }) => (known?.current && known.digest === undefined ? [known] : []))
  if (bare.length === 0) return
  const digests = await copy.view.digests(
    copy.resolved.entity,
    bare.map(({ range }) => range),
    { signal },
  )
  for (const [index, known] of bare.entries()) {
    const digest = digests[index]
    if (digest) copy.image.know(known.range, storedRange({ ...known.entry, digest }, known.evidence, true))
  }
}
