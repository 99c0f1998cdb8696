import { isProven, type ManifestEntity, type RangeEntry, rangeSchema } from '../archive/index.ts'
import type { EntitySelection } from '../contracts/entity-store.ts'
import type { KnownRange } from '../contracts/key-range.ts'
import type { LiveLook } from '../contracts/restore-target.ts'
import { scopeFilter } from '../contracts/scope-filter.ts'
import { KeyImage, reconcile } from '../reconcile/index.ts'
import { type ChosenItem, withoutUnchanged } from './chosen-item.ts'
import { type ChangedRange, type LeftRange, leftRanges } from './left-ranges.ts'
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
    // What is left out by its number must keep it.
    if (direct || !target.look || context.continueOnError > 0) continue
    // Rows without a record are found among all records; what becomes another line on its way is no longer what the database was asked about.
    const items = store.items.filter((item) => !item.deleteExtra && item.shape.same && isMapped(store, item.archived))
    if (items.length === 0) continue
    const unchanged = await target.look(
      items.map((item) => selectionOf(store, item.archived, context.tenant)),
      async (live) => {
        const found = new Map<string, readonly LeftRange[]>()
        for (const item of items) found.set(item.entity, await unchangedRanges(live, item, context))
        return found
      },
      { signal: context.signal },
    )
    await loadOthers(store, (item) => unchanged.get(item.entity) ?? [], context)
  }
}

/** Sets for each item what is left out; the rest is to be loaded. */
export async function loadOthers(store: OpenStore, leftOf: (item: ChosenItem) => readonly LeftRange[], context: RestoreContext): Promise<void> {
  const items: ChosenItem[] = []
  for (const item of store.items) {
    const { chunks } = await context.bucket(item.archived.bucket)
    items.push(withoutUnchanged(item, leftOf(item), { chunks, onStored: (bytes) => context.meters.stored(bytes) }))
  }
  store.items = items
}

async function unchangedRanges(live: LiveLook, { archived }: ChosenItem, { bucket, signal }: RestoreContext): Promise<readonly LeftRange[]> {
  const { descriptor, change } = archived
  const now = live.entities.find(({ name }) => name === descriptor.name)!
  // Under another schema or order of keys the ranges mean something else.
  if (change.schema !== rangeSchema({ ...now, store: descriptor.store }, live.keyOrder(now.name))) return []
  const image = KeyImage.of(knownRanges(archived))
  image.retain(isProven)
  const unchanged: LeftRange[] = []
  const changed: ChangedRange[] = []
  for await (const decision of reconcile({ view: live, entity: now.name, image, parts: 1, signal })) {
    const { known, evidence } = decision
    if (known === null) continue
    if (decision.action === 'reuse') unchanged.push({ seen: { ...known, evidence }, rows: known.rows, load: null })
    else if (decision.rows !== undefined && decision.changedRows !== undefined)
      changed.push({ entry: known.entry, known, evidence, rows: decision.rows, changedRows: decision.changedRows })
  }
  const place = new Map(archived.ranges.map(({ from }, at) => [from, at]))
  changed.sort((a, b) => place.get(a.entry.from)! - place.get(b.entry.from)!)
  const { chunks } = await bucket(archived.bucket)
  return [...unchanged, ...(await leftRanges(now.name, changed, { live, chunks, signal }))]
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
function selectionOf({ selection }: OpenStore, { descriptor, ignored, sensitive, owner }: ManifestEntity, tenant: string | null): EntitySelection {
  const paths = selection.store.mapping.entities.find(({ name }) => name === descriptor.name)!.fields.map(({ path }) => path)
  return { entity: descriptor.name, ignore: ignored.filter((path) => paths.includes(path)), sensitive, ...scopeFilter(owner, tenant) }
}
