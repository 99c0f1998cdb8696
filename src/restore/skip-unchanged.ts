import { type ManifestEntity, type RangeEntry, rangeSchema } from '../archive/index.ts'
import type { EntitySelection } from '../contracts/entity-store.ts'
import type { KnownRange } from '../contracts/key-range.ts'
import type { LiveLook } from '../contracts/restore-target.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { KeyImage, reconcile } from '../reconcile/index.ts'
import { type ChosenItem, withoutUnchanged } from './chosen-item.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import { filledRanges } from './snapshot-lines.ts'

interface ArchivedRange extends KnownRange {
  readonly entry: RangeEntry
}

/**
 * Leaves out of the restore what is live already: ranges of which the database says, as to a backup that builds on the snapshot, that it holds exactly these records. They are neither fetched
 * nor loaded. That it still holds them is made sure of where it counts: when the rest is compared, and under the locks of the merge.
 */
export async function skipUnchanged(stores: readonly OpenStore[], context: RestoreContext): Promise<void> {
  for (const store of stores) {
    const { target, direct } = store
    if (direct || !target.look) continue
    const items = store.items.filter((item) => isMapped(store, item.archived))
    const unchanged = await target.look(
      items.map((item) => selectionOf(store, item.archived)),
      async (live) => {
        const found = new Map<string, readonly KnownRange[]>()
        for (const item of items) found.set(item.entity, await unchangedRanges(live, item, context))
        return found
      },
      { signal: context.signal },
    )
    await loadOthers(store, (item) => unchanged.get(item.entity) ?? [], context)
  }
}

/** Sets for each item which ranges are left out; the others are to be loaded. */
export async function loadOthers(store: OpenStore, unchangedOf: (item: ChosenItem) => readonly KnownRange[], context: RestoreContext): Promise<void> {
  const items: ChosenItem[] = []
  for (const item of store.items) {
    const { chunks } = await context.bucket(item.archived.bucket)
    items.push(withoutUnchanged(item, unchangedOf(item), { chunks, onStored: (bytes) => context.meters.stored(bytes) }))
  }
  store.items = items
}

async function unchangedRanges(live: LiveLook, { archived }: ChosenItem, { signal }: AbortableOptions): Promise<readonly KnownRange[]> {
  const { descriptor, change } = archived
  const now = live.entities.find(({ name }) => name === descriptor.name)!
  // Under another schema or order of keys the ranges mean something else.
  if (change.schema !== rangeSchema({ ...now, store: descriptor.store }, live.keyOrder(now.name))) return []
  const image = KeyImage.of(knownRanges(archived))
  const unchanged: KnownRange[] = []
  for await (const decision of reconcile({ view: live, entity: now.name, image, parts: 1, signal })) {
    if (decision.action === 'reuse') unchanged.push({ ...decision.known, evidence: decision.evidence })
  }
  return unchanged
}

function knownRanges(archived: ManifestEntity): ArchivedRange[] {
  return filledRanges(archived).map((entry) => {
    const { from, to, rows, sha256, digest, evidence } = entry
    return { range: { from, to }, rows, sha256, ...(digest === undefined ? {} : { digest }), evidence: archived.change.evidence[evidence]!, entry }
  })
}

function isMapped({ selection }: OpenStore, { descriptor }: ManifestEntity): boolean {
  return selection.store.mapping.entities.some(({ name }) => name === descriptor.name)
}

/** As it was backed up; a path that was ignored then, and is no longer mapped, cannot be ignored now. */
function selectionOf({ selection }: OpenStore, { descriptor, ignored, sensitive }: ManifestEntity): EntitySelection {
  const paths = selection.store.mapping.entities.find(({ name }) => name === descriptor.name)!.fields.map(({ path }) => path)
  return { entity: descriptor.name, ignore: ignored.filter((path) => paths.includes(path)), sensitive }
}
