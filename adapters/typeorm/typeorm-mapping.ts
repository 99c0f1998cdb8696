import type { ExcludedMapping, StoreMapping } from '../../src/contracts/index.ts'
import { assembleMapping } from '../sql/mapping/assemble-mapping.ts'
import type { ColumnDraft, ReferenceDraft, TableDraft } from '../sql/mapping/table-draft.ts'
import type { TypeormColumn, TypeormDataSource, TypeormEntity } from './typeorm-data-source.ts'

/** Which of an entity's two names says where its table stands. */
export type SchemaKind = 'schema' | 'database' | null

export interface TypeormMappingOptions {
  /** What stands before a table's name: on MySQL a database, on SQLite nothing. TypeORM leaves the other out of its SQL. */
  readonly schemas: SchemaKind
  readonly exclude?: Readonly<Record<string, string>>
}

/** Every persisted column of every table of a TypeORM data source. */
export function typeormMapping(dataSource: TypeormDataSource, options: TypeormMappingOptions): StoreMapping {
  const { entityMetadatas } = dataSource
  const schemas = entitySchemas(dataSource.options.entities)
  const excluded = entityMetadatas
    .filter((entity) => entity.tableType === 'view')
    .map((entity): ExcludedMapping => ({ name: entity.name, target: schemas.get(entity.name) ?? entity.target, reason: 'a view' }))
  const drafts = entityMetadatas
    .filter((entity) => entity.tableType !== 'view' && entity.tableType !== 'entity-child')
    .map((entity) => toDraft(entity, entityMetadatas, schemas, options.schemas))
  return assembleMapping(drafts, { excluded, ...(options.exclude ? { exclude: options.exclude } : {}) })
}

function toDraft(entity: TypeormEntity, all: readonly TypeormEntity[], schemas: ReadonlyMap<string, unknown>, kind: SchemaKind): TableDraft {
  const children = all.filter((other) => other.tableType === 'entity-child' && rootOf(other) === entity)
  const named = (other: TypeormEntity) => targetsOf(other, schemas).map((target) => ({ name: other.name, target }))
  const [own, ...more] = named(entity)
  const columns = entity.columns.filter((column) => !column.isVirtualProperty) // the root of a shared table has those of its children
  const columnOf = <K extends string>(name: K, column: TypeormColumn | undefined) => (column ? ({ [name]: column.databaseName } as Record<K, string>) : {})
  return {
    name: entity.name,
    kind: entity.tableType === 'junction' ? 'junction' : entity.tableType === 'closure-junction' ? 'closure' : 'entity',
    ...own,
    aliases: [...more, ...children.flatMap((child) => (named(child).length > 0 ? named(child) : [{ name: child.name }]))],
    embedded: [entity, ...children].flatMap(embeddedOf),
    ...tableOf(entity, kind),
    columns: columns.map((column): ColumnDraft => ({
      path: pathOf(column),
      column: column.databaseName,
      relation: column.isVirtual && !!column.relationMetadata,
    })),
    key: entity.primaryColumns.map((column) => column.databaseName),
    references: referencesOf(entity, kind),
    ...columnOf('version', entity.versionColumn),
    ...columnOf('updatedAt', entity.updateDateColumn),
    ...columnOf('createdAt', entity.createDateColumn),
    ...columnOf('deletedAt', entity.deleteDateColumn),
    ...discriminatorOf(entity, children),
    problems: entity.database === undefined || kind === 'database' ? [] : [`stands in another database, ${entity.database}`],
  }
}

function embeddedOf(entity: TypeormEntity): NonNullable<TableDraft['embedded']> {
  return entity.allEmbeddeds.flatMap(({ type, parentPropertyNames }) =>
    typeof type === 'function' ? [{ path: parentPropertyNames.join('.'), target: type }] : [],
  )
}

/**
 * TypeORM's own path of a join column goes one step only; where the referenced column is a join column in turn, or embedded, the
 * path here goes to the end: `line.order.id`.
 */
function pathOf(column: TypeormColumn, seen: readonly TypeormColumn[] = []): string {
  const { relationMetadata: relation, referencedColumn: referenced } = column
  const junction = column.entityMetadata.tableType === 'junction' || column.entityMetadata.tableType === 'closure-junction'
  if (!column.isVirtual || !relation || !referenced || junction || seen.includes(column)) return column.propertyPath
  return `${relation.propertyPath}.${pathOf(referenced, [...seen, column])}`
}

/** Foreign keys of the database, then relations that were told to do without one: their rows refer to each other all the same. */
function referencesOf(entity: TypeormEntity, schemas: SchemaKind): ReferenceDraft[] {
  const declared = entity.foreignKeys.map((foreignKey) => ({
    columns: foreignKey.columnNames,
    ...tableOf(foreignKey.referencedEntityMetadata, schemas),
    targetColumns: foreignKey.referencedColumnNames,
  }))
  const joins = entity.relations.filter((relation) => relation.isOwning && !relation.isManyToMany).map((relation) => relation.joinColumns)
  const implied = [...joins, entity.ownerColumns, entity.inverseColumns].flatMap((columns) => {
    const first = columns[0]?.referencedColumn
    return first === undefined
      ? []
      : [
          {
            columns: columns.map((column) => column.databaseName),
            ...tableOf(first.entityMetadata, schemas),
            targetColumns: columns.flatMap((column) => column.referencedColumn?.databaseName ?? []),
          },
        ]
  })
  return [...declared, ...implied]
}

function discriminatorOf(entity: TypeormEntity, children: readonly TypeormEntity[]): Pick<TableDraft, 'discriminator'> {
  if (!entity.discriminatorColumn) return {}
  const values = [entity, ...children].flatMap((each) => each.discriminatorValue ?? [])
  return { discriminator: { column: entity.discriminatorColumn.databaseName, values } }
}

function tableOf(entity: TypeormEntity, schemas: SchemaKind): { readonly schema?: string; readonly table: string } {
  const schema = schemas === null ? undefined : entity[schemas]
  return schema === undefined ? { table: entity.tableName } : { schema, table: entity.tableName }
}

function rootOf(entity: TypeormEntity): TypeormEntity {
  return entity.tableType === 'entity-child' ? rootOf(entity.parentEntityMetadata) : entity
}

/** What an application may hold of an entity: its class, its `EntitySchema`, or both. */
function targetsOf(entity: TypeormEntity, schemas: ReadonlyMap<string, unknown>): unknown[] {
  return [...(typeof entity.target === 'function' ? [entity.target] : []), ...(schemas.has(entity.name) ? [schemas.get(entity.name)] : [])]
}

/** The `EntitySchema` objects among the configured entities; TypeORM's metadata do not point back at them. */
function entitySchemas(entities: unknown): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const entity of Object.values((entities ?? {}) as Record<string, unknown>)) {
    const options = typeof entity === 'object' && entity !== null && 'options' in entity ? (entity.options as { name?: unknown; target?: unknown }) : undefined
    if (typeof options?.name === 'string') found.set(typeof options.target === 'function' ? options.target.name : options.name, entity)
  }
  return found
}
