import type { EntityDescriptor, EntityMapping, FieldDescriptor, FieldGeneration, FieldMapping, StoreMapping } from '../../../src/contracts/entity-descriptor.ts'
import type { EntitySelection } from '../../../src/contracts/entity-store.ts'
import type { FieldType } from '../../../src/contracts/field-type.ts'
import { type ColumnFacts, readFacts, readRelations } from './catalog-facts.ts'
import { entityReferences } from './catalog-references.ts'
import { assertServed, assertTables, missingColumns, schemaDrift } from './catalog-refusals.ts'
import type { PostgresClient } from './connections.ts'
import { type PostgresScope, withScopes } from './scope-sql.ts'
import { selectMappings } from '../mapping/entity-selection.ts'
import { withOwners } from '../owner-selection.ts'
import { toFieldType } from './field-type.ts'
import { keyIndex, type TableFacts } from './table-facts.ts'

/** A column of the key, with what it takes to compare it as the key's index does. */
export interface KeyColumn {
  readonly path: string
  readonly column: string
  readonly type: FieldType
  /** SQL name of the type that literals are cast to: through domains, without modifiers. */
  readonly sqlType: string
  /** Qualified SQL name of its collation; null when it is the database's, or the type has none. */
  readonly collation: string | null
  readonly operatorSchema: string
  readonly less: string
  readonly atLeast: string
}

export interface PostgresColumn {
  readonly path: string
  readonly column: string
  /** `pg_attribute.attnum`. */
  readonly number: number
  /** OID of the sequence that feeds it, as text. */
  readonly sequence: string | null
}

/** One mapped table, with what the lane must know beside the descriptor. */
export interface PostgresEntity {
  readonly descriptor: EntityDescriptor
  /** `pg_class.oid`, as text. */
  readonly oid: string
  readonly schema: string
  readonly table: string
  /** OIDs of the tables that hold its rows: itself unless partitioned, partitions, inheritance children. */
  readonly members: readonly string[]
  /** A policy would hide rows from this role. */
  readonly hidden: boolean
  /** In the order of `descriptor.fields`. */
  readonly columns: readonly PostgresColumn[]
  readonly key: readonly KeyColumn[]
  /** Only the rows of one tenant. */
  readonly scope?: PostgresScope
}

export interface DescribeOptions {
  /** Name of the entity store. */
  readonly store: string
  readonly mapping: StoreMapping
  readonly selection: readonly EntitySelection[]
  /** Schemas to find tables in that are mapped without one: `PostgresServer.searchPath`. */
  readonly searchPath: readonly string[]
}

/**
 * Resolves mapped entities against the catalog, in the order of `selection`. Run it in a transaction with `pinSettings`: type names are printed by
 * the search path.
 *
 * @throws `E_ENTITY_UNKNOWN`; `E_PLAN_INVALID` for an ignored field that is unknown or part of the key; `E_SCHEMA_DRIFT` listing every missing
 *   table and column at once; `E_MAPPING` for views, foreign tables and keys that no unique index of non-null columns bears out.
 */
export async function describeEntities(client: PostgresClient, options: DescribeOptions): Promise<readonly PostgresEntity[]> {
  const { store, mapping, searchPath } = options
  const selection = withOwners(options.selection, mapping)
  const selected = selectMappings(mapping, selection)
  // All mapped tables are looked up, not only the selected, to name the entity at the other end of a foreign key.
  const relations = await readRelations(client, mapping.entities, searchPath)
  const relationOf = (entity: EntityMapping) => relations.find((relation) => relation.index === mapping.entities.indexOf(entity))
  assertTables(selected.map(({ entity }) => ({ entity, relation: relationOf(entity) })))
  const oids = selected.flatMap(({ entity }) => relationOf(entity)?.oid ?? [])
  const { columns, uniques, foreignKeys } = await readFacts(client, oids)
  const missing = selected.flatMap(({ entity, fields }) => missingColumns(entity, fields, relationOf(entity), columns))
  if (missing.length > 0) throw schemaDrift(missing)
  const entityOf = (oid: string) => {
    const relation = relations.find((candidate) => candidate.oid === oid)
    return relation && mapping.entities[relation.index]?.name
  }
  const entities = selected.map(({ entity, fields }) => {
    const relation = relationOf(entity)!
    const of = <T extends { readonly relation: string }>(facts: readonly T[]) => facts.filter((fact) => fact.relation === relation.oid)
    const table: TableFacts = { entity, fields, relation, columns: of(columns), uniques: of(uniques) }
    assertServed(table)
    const references = entityReferences(table, of(foreignKeys), entityOf)
    return toPostgresEntity(table, store, references)
  })
  return withScopes(entities, selection).slice(0, options.selection.length)
}

function toPostgresEntity(table: TableFacts, store: string, references: EntityDescriptor['references']): PostgresEntity {
  const { entity, relation } = table
  const columnOf = (field: FieldMapping) => table.columns.find((column) => column.name === field.column)!
  const kept = new Set(table.fields.map((field) => field.path))
  const { target: _target, aliases: _aliases, embedded: _embedded, fields: _fields, discriminator, version, updatedAt, createdAt, deletedAt, ...same } = entity
  const marks = Object.entries({ version, updatedAt, createdAt, deletedAt }).filter(([, path]) => path !== undefined && kept.has(path))
  return {
    descriptor: {
      ...same,
      store,
      schema: relation.schema,
      table: relation.table,
      fields: table.fields.map((field) => toField(field, columnOf(field))),
      references,
      uniques: uniquePaths(table),
      ...Object.fromEntries(marks),
      ...(discriminator && kept.has(discriminator.field) ? { discriminator } : {}),
    },
    oid: relation.oid,
    schema: relation.schema,
    table: relation.table,
    members: relation.members,
    hidden: relation.hidden,
    columns: table.fields.map((field) => ({ path: field.path, column: field.column, number: columnOf(field).number, sequence: columnOf(field).sequence })),
    key: keyColumns(table),
  }
}

function toField(field: FieldMapping, column: ColumnFacts): FieldDescriptor {
  const generation = generationOf(column)
  return {
    ...field,
    type: toFieldType(column.type),
    dbType: column.dbType,
    nullable: !column.notNull,
    optional: column.hasDefault || generation !== undefined,
    ...(generation ? { generation } : {}),
  }
}

function generationOf(column: ColumnFacts): FieldGeneration | undefined {
  if (column.generated !== '') return 'computed'
  if (column.identity === 'a') return 'identity-always'
  return column.identity === 'd' || column.sequence !== null ? 'identity' : undefined
}

/** The columns of the key, in the key's order, with the operators of the unique index that bears it out (`assertServed` has seen to it that there is one). */
function keyColumns(table: TableFacts): readonly KeyColumn[] {
  const index = keyIndex(table)!
  return table.entity.key.map((path) => {
    const field = table.fields.find((candidate) => candidate.path === path)!
    const column = table.columns.find((candidate) => candidate.name === field.column)!
    const { collation, operatorSchema, less, atLeast } = index.columns.find((candidate) => candidate.number === column.number)!
    return { path, column: field.column, type: toFieldType(column.type), sqlType: column.baseType, collation, operatorSchema, less, atLeast }
  })
}

/** Unique indexes besides the key whose columns are all in the record. */
function uniquePaths({ entity, fields, columns, uniques }: TableFacts): readonly (readonly string[])[] {
  const pathOf = (number: number) => {
    const name = columns.find((column) => column.number === number)?.name
    return fields.find((field) => field.column === name)?.path
  }
  const key = [...entity.key].sort().join('\0')
  const distinct = new Map<string, readonly string[]>()
  for (const unique of uniques) {
    const paths = unique.columns.map((column) => pathOf(column.number))
    if (!paths.every((path) => path !== undefined)) continue
    const identity = [...paths].sort().join('\0')
    if (identity !== key) distinct.set(identity, paths)
  }
  return [...distinct.values()]
}
