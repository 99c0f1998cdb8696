import type { EntityDescriptor, EntityMapping, FieldMapping } from '../contracts/entity-descriptor.ts'
import type { EntityChanges, Upcaster } from './schema-changes.ts'
import type { SchemaOutcome } from './schema-outcome.ts'

/** A field of the archive and the property of today that it belongs to. */
export interface KeptField {
  /** Place in the archive's descriptor. */
  readonly at: number
  readonly from: string
  readonly to: string
}

/** How the records of one archived entity become records of today's. */
export interface EntityEvolution {
  /** Name of today. */
  readonly entity: string
  readonly kept: readonly KeptField[]
  /** Paths of the archive that no property of today belongs to. */
  readonly removed: readonly string[]
  /** Properties of today that the archive does not have, without those that the backup left out. */
  readonly added: readonly string[]
  readonly upcasters: readonly Upcaster[]
  readonly outcomes: readonly SchemaOutcome[]
  /** The lines themselves become others: fields are taken out, renamed on purpose, or changed by an up-caster. */
  readonly converts: boolean
}

export interface EvolveOptions {
  readonly archived: EntityDescriptor
  readonly ignored: readonly string[]
  readonly mapping: EntityMapping
  readonly changes: EntityChanges
  /** The entity's fingerprint, and the migrations that were applied. Asked for only where an up-caster wants to know: a fingerprint takes its time. */
  readonly versions: () => readonly string[]
}

/** A shortened fingerprint has at least so many hex digits. */
const SHORT_FINGERPRINT = 8

/** From the ORM's metadata alone; what the columns are is asked of the database when records are about to go there. */
export function evolveEntity({ archived, ignored, mapping, changes, versions }: EvolveOptions): EntityEvolution {
  const of = { store: archived.store, entity: mapping.name }
  const sources = sourcesOf(archived, mapping, changes)
  const kept = archived.fields.flatMap(({ path }, at): KeptField[] => {
    const to = sources.get(path)
    return to === undefined ? [] : [{ at, from: path, to }]
  })
  const removed = archived.fields.filter(({ path }) => !sources.has(path)).map(({ path }) => path)
  const reached = new Set(kept.map(({ to }) => to))
  const added = mapping.fields.filter(({ path }) => !reached.has(path) && !ignored.includes(path)).map(({ path }) => path)
  const upcasters = changes.upcasters.length === 0 ? [] : applicable(changes.upcasters, versions())
  const renamed = kept.filter(({ from, to }) => from !== to)
  const outcomes: SchemaOutcome[] = [
    ...(archived.name === mapping.name ? [] : [{ ...of, kind: 'entity-renamed' as const, from: archived.name, to: mapping.name }]),
    ...renamed.map(({ from, to }) => ({ ...of, kind: 'renamed' as const, from, to })),
    ...upcasters.map(({ from, to }) => ({ ...of, kind: 'upcast' as const, from, to })),
    // What an up-caster makes of these is its own affair.
    ...(upcasters.length > 0 ? [] : removed.map((from) => ({ ...of, kind: 'removed' as const, from, to: null }))),
    ...(upcasters.length > 0 ? [] : added.map((to) => ({ ...of, kind: 'added' as const, from: null, to }))),
  ]
  // A property that was renamed over a column of the same name needs no conversion: the target finds the column.
  const declared = renamed.some(({ to }) => changes.fields.has(to))
  return { entity: mapping.name, kept, removed, added, upcasters, outcomes, converts: removed.length > 0 || upcasters.length > 0 || declared }
}

/**
 * To look at records, not to write them: a property that is gone stays, under the name that it had, where nothing of today is called so. Its values are nowhere else. What up-casters give is the whole record of
 * today, so they leave nothing of it.
 */
export function lookingEvolution(evolution: EntityEvolution, { fields }: Pick<EntityDescriptor, 'fields'>): EntityEvolution {
  const { kept, removed, upcasters } = evolution
  const renames = kept.some(({ from, to }) => from !== to)
  if (upcasters.length > 0 || !renames) return { ...evolution, converts: upcasters.length > 0 }
  const taken = new Set(kept.map(({ to }) => to))
  const stay = fields.flatMap(({ path }, at): KeptField[] => (removed.includes(path) && !taken.has(path) ? [{ at, from: path, to: path }] : []))
  return { ...evolution, kept: [...kept, ...stay].sort((a, b) => a.at - b.at), removed: removed.filter((path) => taken.has(path)), converts: true }
}

/** As it is: nothing is known of the entity today. */
export function unchangedEntity({ name, fields }: EntityDescriptor): EntityEvolution {
  const kept = fields.map(({ path }, at) => ({ at, from: path, to: path }))
  return { entity: name, kept, removed: [], added: [], upcasters: [], outcomes: [], converts: false }
}

/** Path of the archive → path of today: as declared, else by the same path, else by the same column. */
function sourcesOf(archived: EntityDescriptor, mapping: EntityMapping, { fields: declared }: EntityChanges): Map<string, string> {
  const sources = new Map<string, string>()
  const reached = new Set<string>()
  const tie = (live: FieldMapping, matches: (field: FieldMapping) => boolean) => {
    if (reached.has(live.path)) return
    const source = archived.fields.find((field) => !sources.has(field.path) && matches(field))
    if (!source) return
    sources.set(source.path, live.path)
    reached.add(live.path)
  }
  for (const live of mapping.fields) for (const old of declared.get(live.path) ?? []) tie(live, ({ path, column }) => path === old || column === old)
  for (const live of mapping.fields) tie(live, ({ path }) => path === live.path)
  for (const live of mapping.fields) tie(live, ({ column }) => column === live.column)
  return sources
}

/** In the order of declaration, each where the snapshot has what it takes, or one before it made it, and not what it makes. */
function applicable(upcasters: readonly Upcaster[], versions: readonly string[]): Upcaster[] {
  const held = [...versions]
  const has = (version: string) =>
    held.some((one) => one === version || (version.length >= SHORT_FINGERPRINT && /^[0-9a-f]+$/.test(version) && one.startsWith(version)))
  return upcasters.filter(({ from, to }) => {
    if (has(to) || !(from === null || has(from))) return false
    held.push(to)
    return true
  })
}
