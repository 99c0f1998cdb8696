import type { Manifest, ManifestEntity } from '../archive/index.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { type EntityToMask, type MaskedField, type MaskRules, planMasks } from '../masking/index.ts'
import type { IBackupPlanRegistry } from '../plan/index.ts'
import { hiddenPaths } from '../record/index.ts'

export interface RecordMasks {
  /** Columns whose values are replaced. */
  readonly fields: readonly MaskedField[]
  /** Columns that the database computes out of others, replaced ones perhaps: nobody can say what of. */
  readonly computed: readonly string[]
}

/**
 * How records are masked that go out as text: by what is said of the entities of today, under the names of the snapshot.
 *
 * @throws `E_MASKING` with every reason, before any record is read: what `planMasks` refuses, and whatever is mapped no more, of which nothing can be said
 */
export function recordMasks(
  manifest: Manifest,
  entities: readonly ManifestEntity[],
  { masking, stores, plans }: { readonly masking: MaskRules; readonly stores: ReadonlyMap<string, EntityStore>; readonly plans: IBackupPlanRegistry },
): ReadonlyMap<ManifestEntity, RecordMasks> {
  const found = new Map<ManifestEntity, RecordMasks>()
  const today = plans.has(manifest.plan.id) ? plans.resolved(manifest.plan.id).entities : []
  for (const store of new Set(entities.map(({ descriptor }) => descriptor.store))) {
    const own = entities.filter(({ descriptor }) => descriptor.store === store)
    const mapping = stores.get(store)?.mapping
    if (!mapping) throw unknown([`store "${store}"`])
    const beside = manifest.entities.filter((one) => one.descriptor.store === store && !own.includes(one)).map(({ descriptor }) => descriptor)
    const lost: string[] = []
    const toMask = own.map(({ descriptor, ...entity }): EntityToMask => {
      const mapped = mapping.entities.find(({ name }) => name === descriptor.name)
      const marked = new Set([
        ...hiddenPaths({ descriptor, ...entity }),
        ...(today.find((one) => one.store === store && one.entity === descriptor.name)?.sensitive ?? []),
      ])
      const fields = descriptor.fields.map((field) => {
        const now = mapped?.fields.find(({ path }) => path === field.path) ?? mapped?.fields.find(({ column }) => column === field.column)
        if (!now) lost.push(`${descriptor.name}.${field.path}`)
        const path = now?.path ?? field.path
        return { recorded: marked.has(field.path) || marked.has(path) ? { ...field, sensitive: true } : field, path }
      })
      const record: EntityDescriptor = { ...descriptor, fields: fields.map(({ recorded }) => recorded) }
      const live: EntityDescriptor = { ...descriptor, fields: fields.map(({ recorded, path }) => ({ ...recorded, path })) }
      return { entity: descriptor.name, record, live }
    })
    if (lost.length > 0) throw unknown(lost)
    const planned = planMasks(store, mapping, toMask, masking, { way: 'out of', beside })
    for (const entity of own) {
      const fields = planned.get(entity.descriptor.name) ?? []
      const computed = fields.length === 0 ? [] : entity.descriptor.fields.flatMap(({ path, generation }) => (generation === 'computed' ? [path] : []))
      found.set(entity, { fields, computed })
    }
  }
  return found
}

function unknown(what: readonly string[]): HoldfastError {
  return new HoldfastError(
    'E_MASKING',
    `${what.join(', ')} ${what.length === 1 ? 'is' : 'are'} mapped no more, and nothing says how to mask what is in the snapshot of it; nothing was written`,
    {
      hint: 'Choose other entities; or restore with `mask` into another database, whose schema is that of today, and export from there.',
    },
  )
}
