import { createHash } from 'node:crypto'
import type { EntityDescriptor, EntityMapping, FieldDescriptor, FieldMapping, StoreMapping } from '../../../src/contracts/entity-descriptor.ts'
import type { EntitySelection } from '../../../src/contracts/entity-store.ts'
import type { FieldType } from '../../../src/contracts/field-type.ts'
import { canonicalJson } from '../../../src/kernel/canonical-json.ts'
import { withOwners } from '../owner-selection.ts'
import { selectMappings } from '../mapping/entity-selection.ts'
import { type ColumnFacts, readColumns, readForeignKeys, readRelations, readUniques, type RelationFacts, type TableName } from './catalog-facts.ts'
import { entityReferences } from './catalog-references.ts'
import { assertServed, assertTable, missingColumns, schemaDrift } from './catalog-refusals.ts'
import { type MysqlScope, withScopes } from './scope-sql.ts'
import { ordersAsText } from './key-sql.ts'
import type { MysqlSession } from './session.ts'
import { toFieldType } from './field-type.ts'
import { columnOf, keyColumnsOf, keyIndex, ordersKeys, type TableFacts } from './table-facts.ts'

export interface MysqlColumn {
  readonly path: string
  /** As the server spells it. */
  readonly column: string
  readonly type: FieldType
  /** `DATA_TYPE`: `int`, `varchar`, `bit`. */
  readonly typeName: string
  /** `COLUMN_TYPE`: `int(10) unsigned zerofill`. */
  readonly fullType: string
  /** Null for types without text. */
  readonly charset: string | null
  readonly collation: string | null
  readonly nullable: boolean
  /** Generated: read, never written. */
  readonly generated: boolean
  readonly autoIncrement: boolean
}

/** One mapped table, with what the lane must know beside the descriptor. */
export interface MysqlEntity {
  readonly descriptor: EntityDescriptor
  readonly schema: string
  readonly table: string
  /** Rows are kept by InnoDB, and so seen through the transaction's snapshot. */
  readonly transactional: boolean
  readonly engine: string
  /** The server keeps what rows were before (MariaDB's SYSTEM VERSIONING). */
  readonly versioned: boolean
  /** In the order of `descriptor.fields`. */
  readonly columns: readonly MysqlColumn[]
  /** The columns of the key, in the key's order. */
  readonly key: readonly MysqlColumn[]
  /** The index that holds rows in the order of the key; null when the one that bears the key out has another order, or prefixes only. */
  readonly orderIndex: string | null
  /** A scan of the rows of a range comes in the order of the key of itself. */
  readonly scansInOrder: boolean
  /** SHA-256 of everything the catalog says of the columns that are read: another one when the same bytes may mean other rows. */
  readonly columnsFingerprint: string
  /** When the table was last altered, by the server's clock to the second. */
  readonly created: string
  /** Only the rows of one tenant. */
  readonly scope?: MysqlScope
}

export interface DescribeOptions {
  /** Name of the entity store. */
  readonly store: string
  readonly mapping: StoreMapping
  readonly selection: readonly EntitySelection[]
}

/**
 * Resolves mapped entities against the catalog, in the order of `selection`. A table mapped without schema stands in the session's own database; a schema is
 * a database.
 *
 * @throws `E_ENTITY_UNKNOWN`; `E_PLAN_INVALID` for an ignored field that is unknown or part of the key; `E_SCHEMA_DRIFT` listing every missing
 *   table and column at once; `E_MAPPING` for views, types that are not served, and keys that no unique index of non-null columns bears out.
 */
export async function describeEntities({ client, server }: MysqlSession, options: DescribeOptions): Promise<readonly MysqlEntity[]> {
  const { store, mapping } = options
  const selection = withOwners(options.selection, mapping)
  const selected = selectMappings(mapping, selection)
  const nameOf = (entity: EntityMapping): TableName => ({ schema: entity.schema ?? server.database, table: entity.table })
  const sameTable = (a: TableName, b: TableName) =>
    server.foldsTableNames
      ? a.schema.toLowerCase() === b.schema.toLowerCase() && a.table.toLowerCase() === b.table.toLowerCase()
      : a.schema === b.schema && a.table === b.table
  const relations = await readRelations(
    client,
    selected.map(({ entity }) => nameOf(entity)),
  )
  const tables = selected.map(({ entity, fields }) => ({ entity, fields, relation: relations.find((one) => sameTable(one, nameOf(entity))) }))
  for (const { entity, relation } of tables) assertTable(entity, relation)
  const found = tables.flatMap(({ relation }) => relation ?? [])
  const [columns, uniques, foreignKeys] = [await readColumns(client, found), await readUniques(client, found), await readForeignKeys(client, found)]
  const of = <T extends TableName>(facts: readonly T[], relation: RelationFacts | undefined) =>
    facts.filter((fact) => relation && fact.schema === relation.schema && fact.table === relation.table)
  const missing = tables.flatMap(({ entity, fields, relation }) => missingColumns(entity, fields, relation, of(columns, relation)))
  if (missing.length > 0) throw schemaDrift(missing)
  const entityOf = (table: TableName) => mapping.entities.find((entity) => sameTable(nameOf(entity), table))?.name
  const entities = tables.map(({ entity, fields, relation }) => {
    const table: TableFacts = { entity, fields, relation: relation!, columns: of(columns, relation), uniques: of(uniques, relation) }
    assertServed(table)
    return toMysqlEntity(table, store, entityReferences(table, of(foreignKeys, relation), entityOf))
  })
  return withScopes(entities, selection).slice(0, options.selection.length)
}

function toMysqlEntity(table: TableFacts, store: string, references: EntityDescriptor['references']): MysqlEntity {
  const { entity, relation } = table
  const kept = new Set(table.fields.map((field) => field.path))
  const { target: _target, aliases: _aliases, embedded: _embedded, fields: _fields, discriminator, version, updatedAt, createdAt, deletedAt, ...same } = entity
  const marks = Object.entries({ version, updatedAt, createdAt, deletedAt }).filter(([, path]) => path !== undefined && kept.has(path))
  const columns = table.fields.map((field) => toColumn(field.path, columnOf(table.columns, field.column)!))
  const index = keyIndex(table)!
  const keyNames = keyColumnsOf(table).map(({ name }) => name)
  const inKeyOrder = ordersKeys(index) && index.columns.every(({ name, descending }, place) => !descending && name === keyNames[place])
  return {
    descriptor: {
      ...same,
      store,
      schema: relation.schema,
      table: relation.table,
      fields: table.fields.map((field) => toField(field, columnOf(table.columns, field.column)!)),
      references,
      uniques: uniquePaths(table),
      ...Object.fromEntries(marks),
      ...(discriminator && kept.has(discriminator.field) ? { discriminator } : {}),
    },
    schema: relation.schema,
    table: relation.table,
    transactional: relation.engine === 'InnoDB',
    engine: relation.engine,
    versioned: relation.kind === 'SYSTEM VERSIONED',
    columns,
    key: entity.key.map((path) => columns.find((column) => column.path === path)!),
    orderIndex: inKeyOrder ? index.name : null,
    scansInOrder: inKeyOrder && index.name === 'PRIMARY' && !relation.partitioned && keyColumnsOf(table).every(({ typeName }) => !ordersAsText(typeName)),
    columnsFingerprint: fingerprint(table.fields.map((field) => columnOf(table.columns, field.column)!)),
    created: relation.created,
  }
}

const toColumn = (path: string, facts: ColumnFacts): MysqlColumn => ({
  path,
  column: facts.name,
  type: fieldType(facts),
  typeName: facts.typeName,
  fullType: facts.fullType,
  charset: facts.charset,
  collation: facts.collation,
  nullable: !facts.notNull,
  generated: facts.generated,
  autoIncrement: facts.autoIncrement,
})

/** `assertServed` has seen to it that there is one. */
const fieldType = ({ typeName, fullType, precision }: ColumnFacts): FieldType => toFieldType({ name: typeName, full: fullType, precision })!

function toField(field: FieldMapping, column: ColumnFacts): FieldDescriptor {
  const generation = column.generated ? 'computed' : column.autoIncrement ? 'identity' : undefined
  return {
    ...field,
    column: column.name,
    type: fieldType(column),
    dbType: column.fullType,
    nullable: !column.notNull,
    optional: column.default !== null || generation !== undefined,
    ...(generation ? { generation } : {}),
  }
}

function fingerprint(columns: readonly ColumnFacts[]): string {
  const facts = columns.map(({ name, fullType, charset, collation, notNull, generated, generation }) => [
    name,
    fullType,
    charset,
    collation,
    notNull,
    generated,
    generation,
  ])
  return createHash('sha256').update(canonicalJson(facts)).digest('hex')
}

/** Unique indexes besides the key whose columns are all, and wholly, in the record. */
function uniquePaths({ entity, fields, uniques }: TableFacts): readonly (readonly string[])[] {
  const pathOf = (name: string) => fields.find((field) => field.column.toLowerCase() === name.toLowerCase())?.path
  const key = entity.key.toSorted().join('\0')
  const distinct = new Map<string, readonly string[]>()
  for (const unique of uniques) {
    if (unique.columns.some(({ prefix }) => prefix)) continue
    const paths = unique.columns.map(({ name }) => pathOf(name))
    if (!paths.every((path) => path !== undefined)) continue
    const identity = paths.toSorted().join('\0')
    if (identity !== key) distinct.set(identity, paths)
  }
  return [...distinct.values()]
}
