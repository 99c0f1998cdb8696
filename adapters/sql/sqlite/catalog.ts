import type {
  EntityDescriptor,
  EntityMapping,
  FieldDescriptor,
  FieldMapping,
  ReferenceDescriptor,
  StoreMapping,
} from '../../../src/contracts/entity-descriptor.ts'
import type { EntitySelection } from '../../../src/contracts/entity-store.ts'
import type { Affinity } from '../../../src/contracts/field-type.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { selectMappings } from '../mapping/entity-selection.ts'
import { affinityOf } from './affinity.ts'
import { withOwners } from '../owner-selection.ts'
import { type SqliteScope, withScopes } from './scope-sql.ts'
import type { SqliteConnection } from './connection.ts'
import { foldName, sameName } from './quote.ts'
import { columnOf, type IndexedColumn, isNullable, readTable, sortsAsColumns, type TableFacts, type UniqueFacts } from './table-facts.ts'

export interface SqliteColumn {
  readonly path: string
  readonly column: string
  readonly affinity: Affinity
  readonly generated: boolean
  readonly nullable: boolean
}

/** One mapped table, with what the lane must know beside the descriptor. */
export interface SqliteEntity {
  readonly descriptor: EntityDescriptor
  readonly table: TableFacts
  /** In the order of `descriptor.fields`. */
  readonly columns: readonly SqliteColumn[]
  /**
   * Positions in `columns` of the key, in the order in which the database sorts: that of the unique index, which may differ from that of the key.
   */
  readonly order: readonly number[]
  /** Collations of those columns. */
  readonly collations: readonly string[]
  /** Unique indexes besides the key whose columns are all in the record, by positions in `columns`. */
  readonly uniques: readonly { readonly columns: readonly number[]; readonly collations: readonly string[] }[]
  /** Only the rows of one tenant. */
  readonly scope?: SqliteScope
}

export interface DescribeOptions {
  readonly store: string
  readonly mapping: StoreMapping
  readonly selection: readonly EntitySelection[]
}

/**
 * Resolves mapped entities against the database, in the order of `selection`.
 *
 * @throws `E_ENTITY_UNKNOWN`; `E_PLAN_INVALID` for an ignored field that is unknown or part of the key; `E_SCHEMA_DRIFT` listing every missing table
 *   and column at once; `E_MAPPING` for views, virtual tables and keys that no unique index bears out.
 */
export function describeEntities(connection: SqliteConnection, { store, mapping, selection: selected }: DescribeOptions): readonly SqliteEntity[] {
  const selection = withOwners(selected, mapping)
  const tables = selectMappings(mapping, selection).map(({ entity, fields }) => ({ entity, fields, table: servedTable(connection, entity) }))
  const missing = tables.flatMap(({ entity, fields, table }) => {
    if (!table) return [{ entity: entity.name, table: entity.table }]
    return fields.filter((field) => !columnOf(table, field.column)).map((field) => ({ entity: entity.name, table: table.name, column: field.column }))
  })
  if (missing.length > 0) throw schemaDrift(missing)
  const entities = tables.map(({ entity, fields, table }) => toEntity(connection, { store, mapping, entity, fields, table: table! }))
  return withScopes(entities, selection).slice(0, selected.length)
}

function servedTable(connection: SqliteConnection, entity: EntityMapping): TableFacts | null {
  if (entity.schema !== undefined && !sameName(entity.schema, 'main'))
    throw unserved(entity, `it stands in the attached database "${entity.schema}"; only the main one is served`)
  const table = readTable(connection, entity.table)
  if (table && table.kind !== 'table')
    throw unserved(entity, `${table.name} is a ${table.kind}${table.kind === 'view' ? ': back up the tables below it and exclude it' : ' table'}`)
  return table
}

interface Resolving {
  readonly store: string
  readonly mapping: StoreMapping
  readonly entity: EntityMapping
  readonly fields: readonly FieldMapping[]
  readonly table: TableFacts
}

function toEntity(connection: SqliteConnection, resolving: Resolving): SqliteEntity {
  const { entity, fields, table, store } = resolving
  const columns = fields.map((field): SqliteColumn => {
    const column = columnOf(table, field.column)!
    return {
      path: field.path,
      column: column.name,
      affinity: affinityOf(column.declared, table.strict),
      generated: column.generated,
      nullable: isNullable(table, column),
    }
  })
  const positionOf = (name: string) => columns.findIndex((column) => sameName(column.column, name))
  const keyNames = entity.key.map((path) => columns.find((column) => column.path === path)!.column)
  const followed = table.uniques.map((unique) => ({ unique, columns: unique.columns.map(({ column }) => positionOf(column)) }))
  const uniques = followed
    .filter(({ unique, columns: positions }) => !isKey(unique, keyNames) && positions.every((position) => position !== -1))
    .map(({ unique, columns: positions }) => ({ columns: positions, collations: unique.columns.map(({ collation }) => collation) }))
  const order = keyOrder(connection, entity, table, keyNames)
  const kept = new Set(fields.map((field) => field.path))
  const {
    target: _target,
    aliases: _aliases,
    embedded: _embedded,
    fields: _fields,
    schema: _schema,
    discriminator,
    version,
    updatedAt,
    createdAt,
    deletedAt,
    ...same
  } = entity
  const marks = Object.entries({ version, updatedAt, createdAt, deletedAt }).filter(([, path]) => path !== undefined && kept.has(path))
  return {
    descriptor: {
      ...same,
      store,
      table: table.name,
      fields: fields.map((field) => toField(table, field)),
      references: references(resolving, columns),
      uniques: distinct(uniques.map((unique) => unique.columns.map((position) => columns[position]!.path))),
      ...Object.fromEntries(marks),
      ...(discriminator && kept.has(discriminator.field) ? { discriminator } : {}),
    },
    table,
    columns,
    order: order.map(({ column }) => positionOf(column)),
    collations: order.map(({ collation }) => collation.toUpperCase()),
    uniques,
  }
}

function toField(table: TableFacts, field: FieldMapping): FieldDescriptor {
  const column = columnOf(table, field.column)!
  const generation = column.generated ? 'computed' : column.name === table.rowidColumn ? 'identity' : undefined
  return {
    ...field,
    column: column.name,
    type: { kind: 'dynamic', affinity: affinityOf(column.declared, table.strict) },
    dbType: column.declared,
    nullable: isNullable(table, column),
    optional: column.hasDefault || generation !== undefined,
    ...(generation ? { generation } : {}),
  }
}

/** The key's columns in the order of the rowid or of the unique index that bears the key out. */
function keyOrder(connection: SqliteConnection, entity: EntityMapping, table: TableFacts, key: readonly string[]): readonly IndexedColumn[] {
  if (key.length === 0) throw unserved(entity, 'it has no primary key')
  if (key.length === 1 && key[0] === table.rowidColumn) return [{ column: key[0], collation: 'BINARY', descending: false }]
  const indexes = table.uniques.filter((unique) => isKey(unique, key))
  if (indexes.length === 0) throw unserved(entity, `no unique index of the database covers exactly its key (${key.join(', ')}), so that keys may repeat`)
  const index = indexes.find((candidate) => sortsAsColumns(connection, table, candidate))
  if (!index)
    throw unserved(entity, `the unique index over its key (${key.join(', ')}) compares by another collation than the columns, so that keys may repeat`)
  return index.columns
}

function isKey(unique: UniqueFacts, key: readonly string[]): boolean {
  return unique.columns.length === key.length && key.every((name) => unique.columns.some(({ column }) => sameName(column, name)))
}

/** The foreign keys of the ORM, then those that only the database knows, because both decide in which order rows can be loaded. */
function references({ entity, mapping, fields, table }: Resolving, columns: readonly SqliteColumn[]): readonly ReferenceDescriptor[] {
  const kept = new Set(fields.map((field) => field.path))
  const found = new Map<string, ReferenceDescriptor>()
  const add = (reference: ReferenceDescriptor) => {
    const identity = JSON.stringify([reference.fields, foldName(reference.table), reference.columns.map(foldName)])
    if (!found.has(identity)) found.set(identity, reference)
  }
  for (const reference of entity.references)
    if ([...reference.fields, ...(reference.when ? [reference.when.field] : [])].every((path) => kept.has(path))) add(reference)
  for (const foreignKey of table.foreignKeys) {
    const paths = foreignKey.columns.map((name) => columns.find((column) => sameName(column.column, name))?.path)
    if (!paths.every((path) => path !== undefined)) continue
    const target = mapping.entities.find((other) => sameName(other.table, foreignKey.parent))
    add({ fields: paths, ...(target ? { entity: target.name } : {}), table: foreignKey.parent, columns: foreignKey.parentColumns })
  }
  return [...found.values()]
}

function distinct(uniques: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return [...new Map(uniques.map((paths) => [paths.toSorted().join('\0'), paths])).values()]
}

function schemaDrift(missing: readonly { readonly entity: string; readonly table: string; readonly column?: string }[]): HoldfastError {
  const names = missing.map(({ entity, table, column }) => (column === undefined ? `table ${table} (${entity})` : `column ${table}.${column} (${entity})`))
  return new HoldfastError('E_SCHEMA_DRIFT', `mapped, but not in the database: ${names.join(', ')}`, {
    hint: 'Run the migrations of the application, or correct the mapping.',
    details: { missing },
  })
}

function unserved(entity: EntityMapping, reason: string): HoldfastError {
  return new HoldfastError('E_MAPPING', `${entity.name}: ${reason}`, { details: { entity: entity.name } })
}
