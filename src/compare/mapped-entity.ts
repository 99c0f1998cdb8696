import type { ManifestEntity } from '../archive/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'

export function isMapped(store: EntityStore, { descriptor }: ManifestEntity): boolean {
  return store.mapping.entities.some(({ name }) => name === descriptor.name)
}

/** A path that was ignored then, and is no longer mapped, cannot be ignored now. */
export function stillMapped(store: EntityStore, { descriptor, ignored }: ManifestEntity): readonly string[] {
  return ignored.filter((path) => isPathOf(store, { descriptor }, path))
}

export function isPathOf(store: EntityStore, { descriptor }: Pick<ManifestEntity, 'descriptor'>, path: string): boolean {
  return store.mapping.entities.find(({ name }) => name === descriptor.name)?.fields.some((field) => field.path === path) ?? false
}
