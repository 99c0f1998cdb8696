import type { ChunkStore, Manifest, ManifestEntity, RangeEntry } from '../archive/index.ts'
import { entityKeyText } from '../compare/entity-key.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { RelatedRows, RowPick, RowReason, RowSelection, SelectedRows } from '../restore/index.ts'
import { ASKED, Closure } from './closure.ts'
import { filterLines } from './line-filter.ts'
import { matchingRows } from './matching-rows.ts'

export interface SelectRowsOptions extends AbortableOptions {
  readonly manifest: Manifest
  readonly chunks: (bucket: string) => Promise<ChunkStore>
  /** The entity that a reference means. */
  readonly find: (reference: RowPick['entity']) => ManifestEntity | null
  readonly picks: readonly RowPick[]
  readonly related: RelatedRows | undefined
}

/** And where they are. */
export interface ChosenRows extends SelectedRows {
  readonly ranges: readonly RangeEntry[]
}

export interface SelectedSnapshot {
  /** With the chosen entities alone, and of them the ranges that hold chosen rows. */
  readonly manifest: Manifest
  readonly selection: RowSelection
}

/**
 * Finds the rows that were picked, and what belongs to them. Only ranges are read that may hold such rows, by the order of the keys where that is known, else by their key indexes; of
 * children, by what the indexes say of references. Memory: the keys of the rows; without `related`, conditions keep no key at all.
 *
 * @throws `E_ENTITY_UNKNOWN`, `E_CONFIG`, `E_SELECTION`
 */
export async function selectRows(options: SelectRowsOptions): Promise<SelectedSnapshot> {
  const { manifest, related, picks } = options
  const chosen = new Map<ManifestEntity, ChosenRows>()
  const pickings: { readonly pick: RowPick; readonly entity: ManifestEntity }[] = []
  for (const pick of picks) {
    const entity = options.find(pick.entity)
    if (!entity)
      throw new HoldfastError('E_ENTITY_UNKNOWN', 'the snapshot does not have an entity that was picked', {
        hint: `It has ${manifest.entities.map(({ descriptor }) => descriptor.name).join(', ')}.`,
      })
    if (pickings.some((other) => other.entity === entity)) throw new HoldfastError('E_CONFIG', `"${entity.descriptor.name}" is picked twice`)
    if (pick.keys !== undefined && pick.where !== undefined)
      throw new HoldfastError('E_CONFIG', `\`keys\` and \`where\` are both given for "${entity.descriptor.name}"`, { hint: 'Give one of them.' })
    if (pick.fields !== undefined && related !== undefined)
      throw new HoldfastError(
        'E_CONFIG',
        `\`fields\` of "${entity.descriptor.name}" and \`related\` are both given: rows of which only some fields are written are there, with all that belongs to them`,
      )
    pickings.push({ pick, entity })
  }
  const closure = new Closure(options)
  for (const { pick, entity } of pickings) {
    if (pick.keys !== undefined)
      closure.ask(
        entity,
        pick.keys.map((key) => entityKeyText(entity.descriptor, key)),
      )
    else if (related !== undefined) await closure.askWhere(entity, pick.where ?? {})
    else chosen.set(entity, await matchingRows(options, entity, pick))
  }
  await closure.follow()
  return selectedOf(manifest, closure, chosen, (descriptor, reasons) => ({
    fields: pickings.find(({ entity }) => entity.descriptor === descriptor)?.pick.fields,
    onlyParents: reasons.every(({ because }) => because === 'parent'),
  }))
}

/** The snapshot with the rows that a closure found, beside those that were chosen without. */
export function selectedOf(
  manifest: Manifest,
  closure: Closure,
  chosen: Map<ManifestEntity, ChosenRows>,
  how: (descriptor: EntityDescriptor, reasons: readonly RowReason[]) => Pick<SelectedRows, 'fields' | 'onlyParents'>,
): SelectedSnapshot {
  for (const picked of closure.entities.values()) {
    if (picked.found.size === 0) continue
    const ranges = picked.entity.ranges.filter((range) => picked.ranges.has(range))
    const keyFields = picked.entity.descriptor.key.length
    chosen.set(picked.entity, {
      rows: picked.found.size,
      ranges,
      ...how(picked.entity.descriptor, [...picked.found.values()]),
      ...(closure.keepsLines ? { kept: picked.orderedLines() } : {}),
      filter: (pieces) => filterLines(pieces, keyFields, (_line, key) => picked.found.has(key())),
      why: (key) => picked.found.get(key) ?? ASKED,
    })
  }
  const total = [...chosen.values()].reduce((sum, { rows }) => sum + rows, 0)
  if (total === 0) throw new HoldfastError('E_SELECTION', 'the snapshot has no row of what was picked')
  const byRanges = new Map<readonly RangeEntry[], SelectedRows>()
  const entities = manifest.entities.flatMap((entity) => {
    const rows = chosen.get(entity)
    if (!rows || rows.rows === 0) return []
    byRanges.set(rows.ranges, rows)
    return [{ ...entity, rows: rows.rows, ranges: rows.ranges }]
  })
  return { manifest: { ...manifest, entities }, selection: (ranges) => byRanges.get(ranges) }
}
