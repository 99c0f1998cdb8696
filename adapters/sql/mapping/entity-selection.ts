import type { EntityMapping, FieldMapping, StoreMapping } from '../../../src/contracts/entity-descriptor.ts'
import type { EntitySelection } from '../../../src/contracts/entity-store.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'

export interface SelectedMapping {
  readonly entity: EntityMapping
  /** The mapped fields in record order, without the ignored ones; sensitive ones marked. */
  readonly fields: readonly FieldMapping[]
}

/** Looks the selected entities up in the mapping, in the order they were asked for. */
export function selectMappings(mapping: StoreMapping, selection: readonly EntitySelection[]): readonly SelectedMapping[] {
  return selection.map((selected) => {
    const entity = mapping.entities.find((candidate) => candidate.name === selected.entity)
    if (!entity) throw unknownEntity(mapping, selected.entity)
    const problems = [
      ...(selected.ignore ?? []).filter((path) => entity.key.includes(path)).map((path) => `${path} is part of the key and cannot be ignored`),
      ...[...(selected.ignore ?? []), ...(selected.sensitive ?? [])]
        .filter((path) => !entity.fields.some((field) => field.path === path))
        .map((path) => `${path} is not a persisted field`),
    ]
    if (problems.length > 0) throw new HoldfastError('E_PLAN_INVALID', `${entity.name}: ${problems.join('; ')}`, { details: { entity: entity.name, problems } })
    const ignored = new Set(selected.ignore)
    const sensitive = new Set(selected.sensitive)
    const fields = entity.fields.filter((field) => !ignored.has(field.path)).map((field) => (sensitive.has(field.path) ? { ...field, sensitive: true } : field))
    return { entity, fields }
  })
}

function unknownEntity(mapping: StoreMapping, name: string): HoldfastError {
  const excluded = mapping.excluded.find((candidate) => candidate.name === name)
  const why = excluded
    ? `is mapped, but excluded: ${excluded.reason}`
    : `is not among the mapped entities: ${mapping.entities.map((entity) => entity.name).join(', ')}`
  return new HoldfastError('E_ENTITY_UNKNOWN', `${name} ${why}`, { details: { entity: name } })
}
