import type { StoreMapping } from '../../src/contracts/entity-descriptor.ts'
import type { EntitySelection } from '../../src/contracts/entity-store.ts'
import type { ScopeFilter } from '../../src/contracts/row-owner.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'

/**
 * The selection with the entities that lead from it to a tenant, as far as they are not selected themselves: their tables must be found, locked and held against evidence as well.
 * They stand at the end.
 *
 * @throws `E_SCHEMA_DRIFT` for a way that is not mapped: whose rows these are cannot be told
 */
export function withOwners(selection: readonly EntitySelection[], mapping: StoreMapping): readonly EntitySelection[] {
  for (const { entity, filter } of selection) if (filter) assertMapped(entity, filter, mapping)
  const names = new Set(selection.map(({ entity }) => entity))
  const more = new Set(selection.flatMap(({ filter }) => filter?.path.map(({ entity }) => entity) ?? []))
  return [...selection, ...[...more].filter((entity) => !names.has(entity)).map((entity) => ({ entity }))]
}

function assertMapped(entity: string, { path, field }: ScopeFilter, mapping: StoreMapping): void {
  const needed = [
    { entity, fields: [...(path[0]?.fields ?? [field])] },
    ...path.map((step, at) => ({ entity: step.entity, fields: [...step.references, ...(path[at + 1]?.fields ?? [field])] })),
  ]
  for (const { entity: name, fields } of needed) {
    const mapped = mapping.entities.find((one) => one.name === name)?.fields.map(({ path: known }) => known) ?? []
    const missing = fields.filter((one) => !mapped.includes(one))
    if (missing.length > 0)
      throw new HoldfastError('E_SCHEMA_DRIFT', `${entity}: its rows lead to their tenant by ${name}.${missing.join(', ')}, which is not mapped`, {
        hint: 'Map it under the name that the plan knew it by.',
      })
  }
}
