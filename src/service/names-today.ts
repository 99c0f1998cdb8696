import type { ManifestEntity } from '../archive/index.ts'
import type { EvolvedManifest } from '../evolution/index.ts'

/** What the entities of a stored manifest are called today; empty for one that is gone. */
export function namesToday({ manifest, archivedName }: Pick<EvolvedManifest, 'manifest' | 'archivedName'>): (stored: ManifestEntity) => string {
  return ({ descriptor: { store, name } }) =>
    manifest.entities.find((entity) => entity.descriptor.store === store && archivedName(entity) === name)?.descriptor.name ?? ''
}
