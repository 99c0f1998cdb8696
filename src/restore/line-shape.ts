import type { ManifestEntity, RangeEntry } from '../archive/index.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { LineSource, RestoreTarget } from '../contracts/restore-target.ts'
import { withoutErased } from '../erasure/index.ts'
import { createLineConverter } from '../evolution/index.ts'
import type { RestoreContext } from './restore-context.ts'
import { filledRanges, snapshotLines } from './snapshot-lines.ts'

/** What becomes of the archive's lines on their way to the target. */
export interface LineShape {
  /** What the lines hold when they get there. */
  readonly record: EntityDescriptor
  /** They are those of the archive: what the database says of a range of them holds. */
  readonly same: boolean
  /** Of the archive's lines those that are meant, in their order, as they are in the archive. */
  meant(lines: LineSource): LineSource
  /** The lines are in memory, and were proved when they were read: no chunk is read for them any more. */
  readonly atHand?: boolean
  /** `ranges`: those that `lines` reads. */
  apply(lines: LineSource, ranges: readonly RangeEntry[]): LineSource
  /** What the key of a record was in the archive, where it becomes another. */
  archivedKey?(key: KeyText): KeyText
}

type Parts = Pick<RestoreContext, 'bucket' | 'evolutionOf' | 'erased' | 'leftOut' | 'signal'> & Pick<RestoreContext, 'selection'>

/** @throws `E_SCHEMA_DRIFT` when records cannot become those of today, `E_RECORD` when an up-caster fails on the first one */
export async function lineShape(archived: ManifestEntity, target: RestoreTarget, context: Parts): Promise<LineShape> {
  const { descriptor } = archived
  const erased = context.erased.of(descriptor.store, descriptor.name)
  const records = erased.size === 0 ? 0 : await countLeftOut(archived, erased, context)
  const left = records === 0 ? null : erased
  if (left) context.leftOut.push({ store: descriptor.store, entity: descriptor.name, records })
  const evolution = context.evolutionOf(archived)
  const live = target.entities.find(({ name }) => name === evolution.entity)
  const remaining = (lines: LineSource): LineSource =>
    left === null ? lines : { rows: lines.rows - records, open: (options) => withoutErased(descriptor, left, lines.open(options)) }
  // All ranges of an entity whose lines do not stay the same are loaded, so that all that is left out is among them.
  if (!evolution.converts || !live) return { record: descriptor, same: left === null, meant: remaining, apply: remaining }
  const probe = evolution.upcasters.length > 0 ? await firstLine(archived, context) : null
  const converter = createLineConverter({ archived: descriptor, evolution, live, probe })
  return {
    record: converter.record,
    same: false,
    meant: remaining,
    apply(all) {
      const lines = remaining(all)
      return { rows: lines.rows, open: (options) => converter.convert(lines.open(options)) }
    },
  }
}

/** All of them, or those among the rows that were picked. */
async function countLeftOut(archived: ManifestEntity, erased: ReadonlySet<KeyText>, { bucket, selection, signal }: Parts): Promise<number> {
  const selected = selection?.(archived.ranges)
  if (!selected) return erased.size
  const { chunks } = await bucket(archived.bucket)
  const picked = selected.filter(snapshotLines(filledRanges(archived), chunks, () => {}).open({ signal }))
  let kept = 0
  for await (const lines of withoutErased(archived.descriptor, erased, picked))
    for (let at = lines.indexOf(0x0a); at >= 0; at = lines.indexOf(0x0a, at + 1)) kept++
  return selected.rows - kept
}

async function firstLine(archived: ManifestEntity, { bucket, signal }: Parts): Promise<Uint8Array | null> {
  const { chunks } = await bucket(archived.bucket)
  for await (const lines of snapshotLines(filledRanges(archived).slice(0, 1), chunks, () => {}).open({ signal }))
    return lines.subarray(0, lines.indexOf(0x0a) + 1)
  return null
}
