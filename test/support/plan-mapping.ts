import type { EntityMapping, ReferenceDescriptor, StoreMapping } from '../../src/contracts/index.ts'

export interface MappedStoreFixture {
  readonly name: string
  readonly mapping: StoreMapping
}

/** An entity mapping as an ORM adapter gives it; fields by path, the key first. */
export function mapped(name: string, fields: readonly string[], facts: Partial<EntityMapping> = {}): EntityMapping {
  return {
    name,
    kind: 'entity',
    aliases: [],
    table: name.toLowerCase(),
    fields: fields.map((path) => ({ path, column: path.replaceAll('.', '_') })),
    key: fields.slice(0, 1),
    references: [],
    ...facts,
  }
}

export function reference(field: string, entity: string | undefined): ReferenceDescriptor {
  return { fields: [field], table: entity?.toLowerCase() ?? 'legacy_table', columns: ['id'], ...(entity === undefined ? {} : { entity }) }
}

export function storeOf(name: string, entities: readonly EntityMapping[], excluded: StoreMapping['excluded'] = []): MappedStoreFixture {
  return { name, mapping: { entities, excluded } }
}
