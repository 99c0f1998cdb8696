import { createHmac } from 'node:crypto'
import type { EntityDescriptor, FieldDescriptor, StoreMapping } from '../contracts/entity-descriptor.ts'
import type { Masker } from '../contracts/masker.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { ValueError } from '../record/index.ts'
import { looksSensitive } from './looks-sensitive.ts'
import type { MaskRules } from './mask-rules.ts'
import { sensitiveBehind } from './sensitive-behind.ts'

/** A column whose values are replaced. */
export interface MaskedField {
  /** Place in the lines. */
  readonly at: number
  readonly field: FieldDescriptor
  readonly masker: string
  readonly replace: (value: unknown) => unknown
}

export interface EntityToMask {
  readonly entity: string
  /** What its lines hold. */
  readonly record: EntityDescriptor
  /** The table that they go to. */
  readonly live: EntityDescriptor
}

export interface PlanMasksOptions {
  /** Into the store, or out of what was taken from it. Default `into`. */
  readonly way?: 'into' | 'out of'
  /** The other entities of the snapshot, for what they say is sensitive: what goes may refer to them. */
  readonly beside: readonly Pick<EntityDescriptor, 'name' | 'fields'>[]
}

/**
 * Which columns of the entities of one store are masked, and how, on their way into it or out of it. What refers to a masked column is masked as it is, so that rows find each other.
 *
 * @throws `E_MASKING` with every reason: a column that looks sensitive and of which nothing was said, a unique column that would not stay so, references that would no longer fit, values that
 * a column cannot hold. Asks no database and reads no record.
 */
export function planMasks(
  store: string,
  mapping: StoreMapping,
  entities: readonly EntityToMask[],
  rules: MaskRules,
  { way = 'into', beside }: PlanMasksOptions,
): ReadonlyMap<string, readonly MaskedField[]> {
  const problems: string[] = []
  const maskers = new Map(mapping.entities.map(({ name }) => [name, new Map(rules.of(store, name))]))
  passToReferences(mapping, entities, maskers, problems)
  const behind = sensitiveBehind(mapping, beside, maskers)
  const context = { digest: (text: string) => createHmac('sha256', rules.key).update(text).digest() }
  const going = new Set(entities.map(({ entity }) => entity))
  const planned = new Map<string, readonly MaskedField[]>()
  for (const { entity, record, live } of entities) {
    const own = maskers.get(entity) ?? new Map<string, Masker>()
    const unique = new Set([...record.key, ...record.uniques.flat(), ...live.key, ...live.uniques.flat()])
    const referring = new Set(record.references.flatMap((reference) => (reference.entity === undefined ? [] : reference.fields)))
    const fields: MaskedField[] = []
    for (const [at, recorded] of record.fields.entries()) {
      const field = { ...(liveField(recorded, live) ?? recorded), path: recorded.path }
      if (field.generation === 'computed') continue
      const masker = own.get(pathNow(field, live))
      const name = `${entity}.${field.path}`
      if (!masker) {
        const sensitive = recorded.sensitive === true || live.fields.some(({ path, sensitive }) => path === field.path && sensitive)
        if (sensitive) problems.push(`${name} is sensitive, and nothing says how it is masked`)
        else if (!referring.has(field.path) && (looksSensitive(field.path) || looksSensitive(field.column)))
          problems.push(`${name} looks sensitive, and is neither masked nor declared plain`)
        for (const link of links(mapping, [{ entity, record, live }])) {
          if (link.path !== pathNow(field, live) || going.has(link.parent)) continue
          const found = behind(link.parent, link.parentPath)
          if (found) problems.push(`${name} refers to ${found}, and is neither masked nor declared plain`)
        }
        continue
      }
      if (masker.plain) continue
      if (unique.has(field.path) && !masker.keepsUnique) problems.push(`${name} is unique, and "${masker.name}" gives different values one answer`)
      try {
        fields.push({ at, field, masker: masker.name, replace: masker.for(field, context) })
      } catch (error) {
        if (!(error instanceof ValueError)) throw error
        problems.push(`${name} cannot be masked by "${masker.name}": ${error.message}`)
      }
    }
    planned.set(entity, fields)
  }
  if (problems.length > 0) {
    throw new HoldfastError('E_MASKING', `masking what goes ${way} "${store}": ${problems.join('; ')}; nothing was read or written`, {
      details: { problems },
    })
  }
  return planned
}

/** From the referenced column to the referring one, over any number of steps. */
function passToReferences(
  mapping: StoreMapping,
  entities: readonly EntityToMask[],
  maskers: ReadonlyMap<string, Map<string, Masker>>,
  problems: string[],
): void {
  for (let moved = true; moved;) {
    moved = false
    for (const { child, path, parent, parentPath } of [...links(mapping, entities), ...linksBetween(mapping)]) {
      const masker = maskers.get(parent)?.get(parentPath)
      const own = maskers.get(child)
      if (!masker || masker.plain || !own || own.has(path)) continue
      own.set(path, masker)
      moved = true
    }
  }
  for (const { child, path, parent, parentPath } of links(mapping, entities)) {
    const [here, there] = [nameOf(maskers.get(child)?.get(path)), nameOf(maskers.get(parent)?.get(parentPath))]
    if (here === there || here === 'null') continue
    problems.push(`${child}.${path} refers to ${parent}.${parentPath}, but one is masked by "${here}" and the other by "${there}"`)
  }
}

interface Link {
  readonly child: string
  readonly path: string
  readonly parent: string
  readonly parentPath: string
}

function links(mapping: StoreMapping, entities: readonly EntityToMask[]): Link[] {
  return entities.flatMap(({ entity: child, record, live }) =>
    record.references.flatMap(({ fields, entity: parent, columns }) =>
      fields.flatMap((recorded, at): Link[] => {
        const path = pathNow(
          record.fields.find((field) => field.path === recorded)!,
          live,
        )
        const parentPath = mapping.entities.find(({ name }) => name === parent)?.fields.find(({ column }) => column === columns[at])?.path
        return parent === undefined || parentPath === undefined ? [] : [{ child, path, parent, parentPath }]
      }),
    ),
  )
}

/** Of the entities of today, also those of which nothing goes: what they pass on may come from another. */
function linksBetween({ entities }: StoreMapping): Link[] {
  return entities.flatMap(({ name: child, references }) =>
    references.flatMap(({ fields, entity: parent, columns }) =>
      fields.flatMap((path, at): Link[] => {
        const parentPath = entities.find(({ name }) => name === parent)?.fields.find(({ column }) => column === columns[at])?.path
        return parent === undefined || parentPath === undefined ? [] : [{ child, path, parent, parentPath }]
      }),
    ),
  )
}

function nameOf(masker: Masker | undefined): string {
  return !masker || masker.plain ? 'nothing' : masker.name
}

/** Rules name properties of today; a renamed one is known by its column. */
function pathNow(field: FieldDescriptor, live: EntityDescriptor): string {
  return liveField(field, live)?.path ?? field.path
}

function liveField(record: FieldDescriptor, live: EntityDescriptor): FieldDescriptor | undefined {
  return live.fields.find(({ path }) => path === record.path) ?? live.fields.find(({ column }) => column === record.column)
}
