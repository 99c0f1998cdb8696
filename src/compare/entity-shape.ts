import { type ChunkStore, type ManifestEntity, readRange } from '../archive/index.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { withoutErased } from '../erasure/index.ts'
import { createLineConverter, type EntityEvolution, type LineConverter, lookingEvolution, type SchemaOutcome } from '../evolution/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { canonicalJson } from '../kernel/canonical-json.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { hiddenPaths } from '../record/index.ts'
import { stillMapped } from './mapped-entity.ts'
import type { RecordSource } from './record-source.ts'

/** How the records of an archived entity are seen. */
export interface EntityShape {
  /** What its lines hold, once they are converted. */
  readonly record: EntityDescriptor
  /** Property paths of the record whose values are not shown in comparisons. */
  readonly sensitive: readonly string[]
  /** What the archive's lines hold, under the property paths of today: keys are looked for in its types. */
  readonly stored: EntityDescriptor
  /** In what the archive differs from today. */
  readonly outcomes: readonly SchemaOutcome[]
  /** Null where the lines are read as they are. */
  readonly change: LineChange | null
}

/** What becomes of the lines. */
export interface LineChange extends Pick<LineConverter, 'convert' | 'key'> {
  readonly archived: EntityDescriptor
  /** Path of today → path of the archive. */
  readonly archivedPaths: ReadonlyMap<string, string>
  /** Without any, only names are others than in the archive. */
  readonly upcasters: EntityEvolution['upcasters']
}

export interface UpcastShapeOptions extends AbortableOptions {
  /** Under its name of today. */
  readonly entity: ManifestEntity
  readonly evolution: EntityEvolution
  /** Of the database that the snapshot was taken of. */
  readonly dialect: string
  /** Where the entity is today: what an up-caster makes is written as its columns. */
  readonly store: () => Promise<EntityStore>
  readonly chunks: () => Promise<ChunkStore>
  /** Keys of the archive that no up-caster gets to see. */
  readonly erased: ReadonlySet<KeyText>
}

/** As it is in the archive. */
export function archivedShape({ descriptor, sensitive }: ManifestEntity, outcomes: EntityShape['outcomes'] = []): EntityShape {
  return { record: descriptor, sensitive, stored: descriptor, outcomes, change: null }
}

/** As today's entity has it, where that is a matter of names. Null where an up-caster applies: `upcastShape` has to find out more. */
export function namedShape(entity: ManifestEntity, evolved: EntityEvolution): EntityShape | null {
  const evolution = lookingEvolution(evolved, entity.descriptor)
  if (evolution.upcasters.length > 0) return null
  return evolution.converts ? convertedShape(entity, evolution, null, null) : archivedShape(entity, evolution.outcomes)
}

/**
 * As up-casters make it. Asks the database for the columns of today, and reads the first record.
 *
 * @throws `E_SCHEMA_DRIFT` where records cannot become those of today, `E_RECORD` when an up-caster fails on the first one, `E_DIALECT` where today's database is of another kind
 */
export async function upcastShape(options: UpcastShapeOptions): Promise<EntityShape> {
  const { entity } = options
  const evolution = lookingEvolution(options.evolution, entity.descriptor)
  const live = await liveDescriptor(options, seenPaths(entity.sensitive, evolution))
  return convertedShape(entity, evolution, live, await firstLine(options))
}

function convertedShape(entity: ManifestEntity, evolution: EntityEvolution, live: EntityDescriptor | null, probe: Uint8Array | null): EntityShape {
  const { descriptor: archived, sensitive } = entity
  const { kept, outcomes, upcasters } = evolution
  const { convert, key, record: converted } = createLineConverter({ archived, evolution, live, probe, keyStays: true })
  const record = withReferences(converted, live)
  const now = new Map(kept.map(({ from, to }) => [from, to]))
  return {
    record,
    sensitive: [...seenPaths(sensitive, evolution), ...derived(record, entity, evolution)],
    stored: {
      ...archived,
      key: archived.key.map((path) => now.get(path) ?? path),
      fields: archived.fields.map((field) => ({ ...field, path: now.get(field.path) ?? field.path })),
    },
    outcomes,
    change: { convert, key, archived, archivedPaths: new Map(kept.map(({ from, to }) => [to, from])), upcasters },
  }
}

function seenPaths(paths: readonly string[], { kept }: EntityEvolution): readonly string[] {
  return kept.filter(({ from }) => paths.includes(from)).map(({ to }) => to)
}

/** Records as they are seen. What was erased goes to no up-caster. */
export function seenRecords(
  archived: RecordSource,
  { descriptor }: Pick<ManifestEntity, 'descriptor'>,
  { change }: Pick<EntityShape, 'change'>,
  erased: ReadonlySet<KeyText>,
): RecordSource {
  if (!change) return archived
  return { open: (options) => change.convert(erased.size === 0 ? archived.open(options) : withoutErased(descriptor, erased, archived.open(options))) }
}

/** Keys of the archive as today's records have them. */
export function seenKeys(keys: ReadonlySet<KeyText>, { change }: Pick<EntityShape, 'change'>): ReadonlySet<KeyText> {
  return change ? new Set([...keys].map((key) => change.key(key))) : keys
}

/** Does the same line of the archive become the same line, in both? */
export function isSeenAlike(a: EntityShape, b: EntityShape): boolean {
  if (!a.change || !b.change) return a.change === b.change
  const told = ({ archived, archivedPaths }: LineChange, record: EntityDescriptor) => canonicalJson([archived, [...archivedPaths], record])
  return sameList(a.change.upcasters, b.change.upcasters) && told(a.change, a.record) === told(b.change, b.record)
}

/** One line, its 0x0A included on both sides. */
export async function seenLine(line: Uint8Array, { change }: Pick<EntityShape, 'change'>): Promise<Uint8Array> {
  if (!change) return line
  const parts: Uint8Array[] = []
  for await (const part of change.convert(
    (async function* () {
      yield line
    })(),
  ))
    parts.push(part)
  return Buffer.concat(parts)
}

async function liveDescriptor({ entity, dialect, store, signal }: UpcastShapeOptions, sensitive: readonly string[]): Promise<EntityDescriptor> {
  const live = await store()
  const { name } = entity.descriptor
  if (live.dialect !== dialect) {
    throw new HoldfastError('E_DIALECT', `an up-caster applies to "${name}", whose snapshot is of ${dialect}, and the store is ${live.dialect}`, {
      hint: "Up-casters make records of the same dialect. Read them as they were stored: { as: 'archived' }.",
    })
  }
  const [found] = await live.describe([{ entity: name, ignore: stillMapped(live, entity), sensitive }], { signal })
  return found!
}

/** Of the first record that may be given out. */
async function firstLine({ entity, chunks, erased, signal }: UpcastShapeOptions): Promise<Uint8Array | null> {
  for (const range of entity.ranges) {
    if (range.rows === 0) continue
    for await (const lines of withoutErased(entity.descriptor, erased, readRange(await chunks(), range, { signal })))
      return lines.subarray(0, lines.indexOf(0x0a) + 1)
  }
  return null
}

/** What an up-caster made where a sensitive value of the archive is no more may have come of it. */
function derived({ fields }: EntityDescriptor, archived: ManifestEntity, { kept, upcasters }: EntityEvolution): readonly string[] {
  const hidden = [...hiddenPaths(archived)]
  if (upcasters.length === 0 || hidden.every((path) => kept.some(({ from }) => from === path))) return []
  return fields.map(({ path }) => path).filter((path) => !kept.some(({ to }) => to === path))
}

/** And references of today over what an up-caster made. */
function withReferences(record: EntityDescriptor, live: EntityDescriptor | null): EntityDescriptor {
  const known = new Set(record.references.flatMap(({ fields }) => fields))
  const has = (path: string) => record.fields.some((field) => field.path === path)
  const made = (live?.references ?? []).filter(({ fields, when }) => fields.every((path) => has(path) && !known.has(path)) && (!when || has(when.field)))
  return { ...record, references: [...record.references, ...made] }
}

function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((one, at) => one === b[at])
}
