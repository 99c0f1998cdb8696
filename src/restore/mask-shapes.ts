import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { RestoreTarget } from '../contracts/restore-target.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { maskLines, planMasks } from '../masking/index.ts'
import type { LineShape } from './line-shape.ts'
import type { RestoreContext } from './restore-context.ts'
import type { StoreSelection } from './select-entities.ts'

/** A column that a restore masked. */
export interface MaskedColumn {
  readonly store: string
  readonly entity: string
  readonly field: string
  /** Name of the masker. */
  readonly masker: string
}

/**
 * The shapes with masking put behind them, so that no value reaches the target before it is masked. As they are when the restore masks nothing.
 *
 * @throws `E_MASKING` when the target is the database that the snapshot is of, or masking is incomplete; before any record is read
 */
export async function maskShapes(
  selection: StoreSelection,
  target: RestoreTarget,
  shapes: readonly LineShape[],
  context: RestoreContext,
): Promise<readonly LineShape[]> {
  const { masking } = context
  if (!masking) return shapes
  await refuseSource(selection, target, context)
  const { name: store, mapping } = selection.store
  const entities = shapes.map(({ record }) => ({ entity: record.name, record, live: target.entities.find(({ name }) => name === record.name)! }))
  const planned = planMasks(store, mapping, entities, masking, { beside: besideOf(selection, entities, context) })
  return shapes.map((shape) => {
    const { record } = shape
    const fields = planned.get(record.name) ?? []
    for (const { field, masker } of fields) context.masked.push({ store, entity: record.name, field: field.path, masker })
    if (fields.length === 0) return shape
    return {
      ...shape,
      same: false,
      meant: (lines) => shape.meant(lines),
      apply(lines, ranges) {
        const inner = shape.apply(lines, ranges)
        return { rows: inner.rows, open: (options) => maskLines(record, fields, inner.open(options)) }
      },
    }
  })
}

/** What else the snapshot has of that store. */
function besideOf(
  { from }: StoreSelection,
  going: readonly { readonly entity: string }[],
  { manifest, whole = manifest }: RestoreContext,
): readonly EntityDescriptor[] {
  return whole.entities.flatMap(({ descriptor }) => (descriptor.store === from && !going.some(({ entity }) => entity === descriptor.name) ? [descriptor] : []))
}

/** Masked rows over the ones they were made of would be the end of both. MySQL's tables can stand in another database than the connection's, of the source as well as of the target. */
async function refuseSource(
  { store, from, entities }: StoreSelection,
  target: RestoreTarget,
  { manifest, whole = manifest, signal }: RestoreContext,
): Promise<void> {
  const source = manifest.stores.find(({ name }) => name === from)!.source
  const view = await store.openView({ entities: entities.slice(0, 1).map(({ descriptor }) => ({ entity: descriptor.name })), signal })
  const { dialect, database, systemId } = view.source
  await view.close()
  if (dialect !== source.dialect || systemId !== source.systemId) return
  const hint = 'Masked records go into another database: `into: { store: otherStore }`, or a configuration whose store is another one.'
  if (database === source.database)
    throw new HoldfastError('E_MASKING', `store "${store.name}" is the database that the snapshot was taken of: ${database}; nothing was read or written`, {
      hint,
    })
  if (dialect !== 'mysql') return
  const taken = new Set(whole.entities.flatMap(({ descriptor }) => (descriptor.store === from ? [tableOf(descriptor)] : [])))
  const same = target.entities.filter((live) => taken.has(tableOf(live)))
  if (same.length === 0) return
  throw new HoldfastError(
    'E_MASKING',
    `in store "${store.name}" these stand in the very tables that the snapshot was taken of: ${same.map((live) => `${live.name} (${live.schema}.${live.table})`).join(', ')}; nothing was read or written`,
    { hint },
  )
}

/** Whether letters of either case are one is a setting of the server: two that differ in nothing else are taken for one. */
function tableOf({ schema, table }: Pick<EntityDescriptor, 'schema' | 'table'>): string {
  return JSON.stringify([schema, table]).toLowerCase()
}
