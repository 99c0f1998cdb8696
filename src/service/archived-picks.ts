import type { Manifest, ManifestEntity } from '../archive/index.ts'
import { flatWhere } from '../compare/where.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { type EvolvedManifest, evolveManifest, type SchemaChanges } from '../evolution/index.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { RelatedRows, RestoreRequest, RowPick } from '../restore/index.ts'
import { entityFinder } from './entity-finder.ts'

export interface ArchivedPicksOptions {
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly schema: SchemaChanges
}

/**
 * Picks are told in the names of today, and rows are looked for in the archive: entities and properties by the names that they had. A name that is nobody's today is taken as one of the
 * archive.
 *
 * @throws `E_ENTITY_UNKNOWN`, `E_CONFIG` for properties that neither has
 */
export function archivedPicks(
  manifest: Manifest,
  { select = [], related, into = {} }: Pick<RestoreRequest, 'select' | 'related' | 'into'>,
  { stores, schema }: ArchivedPicksOptions,
): { readonly picks: readonly RowPick[]; readonly related: RelatedRows | undefined } {
  const today = evolveManifest(manifest, { stores, into, changes: schema, keepRemoved: true })
  const nameOf = (reference: RowPick['entity']): string => {
    const seen = entityFinder(reference, stores)(today.manifest)
    const found = seen ? archivedOf(manifest, today, seen) : entityFinder(reference, stores)(manifest)
    if (found) return `${found.descriptor.store}.${found.descriptor.name}`
    throw new HoldfastError(
      'E_ENTITY_UNKNOWN',
      `the snapshot does not have an entity ${typeof reference === 'string' ? `"${reference}" ` : ''}that was picked`,
      {
        hint: `It has ${today.manifest.entities.map(({ descriptor }) => descriptor.name).join(', ')}.`,
      },
    )
  }
  const picks = select.map((pick): RowPick => {
    const entity = nameOf(pick.entity)
    const { where, keys, ...rest } = pick
    const seen = today.manifest.entities.find((each) => fullName(archivedOf(manifest, today, each)) === entity)!
    const paths = pathsOf(seen, today)
    return {
      ...rest,
      entity,
      ...(where === undefined ? {} : { where: archivedWhere(seen, where, paths) }),
      ...(keys === undefined ? {} : { keys: keys.map((key) => archivedKey(key, paths)) }),
    }
  })
  const { children } = related ?? {}
  const named = Array.isArray(children) ? (children as readonly string[]).map(nameOf) : undefined
  return { picks, related: related && named ? { ...related, children: named } : related }
}

function fullName({ descriptor }: ManifestEntity): string {
  return `${descriptor.store}.${descriptor.name}`
}

function archivedOf(manifest: Manifest, { archivedName }: EvolvedManifest, seen: ManifestEntity): ManifestEntity {
  const name = archivedName(seen)
  return manifest.entities.find(({ descriptor }) => descriptor.store === seen.descriptor.store && descriptor.name === name)!
}

/** Path of today → path of the archive; then those of the archive that are nobody's today. */
function pathsOf(seen: ManifestEntity, { evolutionOf }: EvolvedManifest): ReadonlyMap<string, string> {
  const paths = new Map(evolutionOf(seen).kept.map(({ from, to }) => [to, from]))
  for (const { path } of seen.descriptor.fields) if (!paths.has(path)) paths.set(path, path)
  return paths
}

function archivedWhere(
  { descriptor }: ManifestEntity,
  where: NonNullable<RowPick['where']>,
  paths: ReadonlyMap<string, string>,
): NonNullable<RowPick['where']> {
  const fields = [...paths].map(([path, from]) => ({ ...descriptor.fields.find((field) => field.path === from)!, path }))
  const flat = flatWhere({ ...descriptor, fields }, where).map(([path, written]) => [paths.get(path)!, written] as const)
  const twice = flat.find(([path], at) => flat.some(([other], before) => before < at && other === path))
  if (twice)
    throw new HoldfastError('E_CONFIG', `there are two conditions on "${twice[0]}" of "${descriptor.name}"`, {
      hint: 'Give one, of which all bounds must hold.',
    })
  return Object.fromEntries(flat)
}

function archivedKey(key: NonNullable<RowPick['keys']>[number], paths: ReadonlyMap<string, string>): NonNullable<RowPick['keys']>[number] {
  if (typeof key !== 'object' || key === null || Array.isArray(key)) return key
  return Object.fromEntries(Object.entries(key).map(([path, value]) => [paths.get(path) ?? path, value]))
}
