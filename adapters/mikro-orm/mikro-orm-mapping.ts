import type { ExcludedMapping, StoreMapping } from '../../src/contracts/index.ts'
import { assembleMapping } from '../sql/mapping/assemble-mapping.ts'
import type { TableDraft } from '../sql/mapping/table-draft.ts'
import { columnsOf, embeddedClasses, storedProperties } from './mikro-orm-columns.ts'
import type { MikroOrmEntity, MikroOrmInstance, MikroOrmProperty } from './mikro-orm-instance.ts'
import { referencesOf } from './mikro-orm-references.ts'

export interface MikroOrmMappingOptions {
  readonly exclude?: Readonly<Record<string, string>>
  /** Stands for `*`. */
  readonly schema?: string
}

/** Every persisted column of every table of a MikroORM instance. */
export function mikroOrmMapping(orm: MikroOrmInstance, options: MikroOrmMappingOptions): StoreMapping {
  const entities = [...orm.getMetadata()].filter((entity) => !entity.embeddable)
  const schemas = entitySchemas(orm.config.get('entities'))
  const schemaOf = schemaResolver(orm, options.schema)
  const excluded: ExcludedMapping[] = []
  const drafts: TableDraft[] = []
  for (const entity of entities) {
    const reason = entity.virtual ? 'a virtual entity' : entity.view ? 'a view' : undefined
    const [target] = targetsOf(entity, schemas)
    if (reason !== undefined) excluded.push({ name: entity.className, ...target, reason })
    else if (hasOwnTable(entity)) drafts.push(toDraft(entity, entities, schemas, schemaOf))
  }
  return assembleMapping(drafts, { excluded, ...(options.exclude ? { exclude: options.exclude } : {}) })
}

/** A child in a single table stands in its root's; an abstract class without a table of its own stands nowhere. */
function hasOwnTable(entity: MikroOrmEntity): boolean {
  if (entity.root !== entity && isSingleTable(entity.root)) return false
  return !entity.abstract || entity.inheritanceType !== undefined || isSingleTable(entity)
}

/** Only the root of a single table has such a column, whatever the version calls the inheritance. */
function isSingleTable(root: MikroOrmEntity): boolean {
  return root.discriminatorColumn !== undefined
}

function toDraft(entity: MikroOrmEntity, all: readonly MikroOrmEntity[], schemas: EntitySchemas, schemaOf: SchemaResolver): TableDraft {
  const children = isSingleTable(entity) ? all.filter((other) => other !== entity && other.root === entity) : []
  const [own, ...more] = targetsOf(entity, schemas).map((target) => ({ name: entity.className, ...target }))
  const stored = storedProperties(entity)
  const generated = isGeneratedPivot(entity)
  // The properties of a generated junction have made-up names (`Order_owner`); its columns are what both ORMs have in common.
  const columns = stored.flatMap((property) => columnsOf(entity, property)).map((column) => (generated ? { ...column, path: column.column } : column))
  const columnOf = <K extends string>(name: K, property: MikroOrmProperty | undefined) => {
    const column = property?.fieldNames?.[0]
    return column === undefined ? {} : ({ [name]: column } as Record<K, string>)
  }
  return {
    kind: generated ? 'junction' : 'entity',
    ...(generated ? {} : own),
    name: generated ? entity.tableName : entity.className,
    aliases: [...more, ...children.flatMap((child) => targetsOf(child, schemas).map((target) => ({ name: child.className, ...target })))],
    embedded: embeddedClasses(entity),
    ...tableOf(entity, schemaOf),
    columns,
    key: entity.primaryKeys.flatMap((name) => entity.properties[name]?.fieldNames ?? []),
    references: referencesOf(entity, columns, { all, tableOf: (each) => tableOf(each, schemaOf) }),
    ...columnOf(
      'version',
      stored.find((property) => property.name === entity.versionProperty),
    ),
    ...columnOf('updatedAt', single(stored.filter((property) => isTime(property) && property.onUpdate))),
    ...columnOf('createdAt', single(stored.filter((property) => isTime(property) && property.onCreate && !property.onUpdate))),
    ...discriminatorOf(entity),
    ...(entity.tptParent ? { inherits: tableOf(entity.tptParent, schemaOf) } : {}),
    problems: tableOf(entity, schemaOf).schema === '*' ? [ANY_SCHEMA] : [],
  }
}

function discriminatorOf(entity: MikroOrmEntity): Pick<TableDraft, 'discriminator'> {
  if (entity.discriminatorColumn === undefined) return {}
  const column = entity.properties[entity.discriminatorColumn]?.fieldNames?.[0] ?? entity.discriminatorColumn
  return { discriminator: { column, values: Object.keys(entity.discriminatorMap ?? {}) } }
}

/** By the root: a child of a single table in a schema has no schema of its own in the metadata. */
function tableOf(entity: MikroOrmEntity, schemaOf: SchemaResolver): { readonly schema?: string; readonly table: string } {
  const owner = isSingleTable(entity.root) ? entity.root : entity
  const schema = schemaOf(owner)
  return schema === undefined ? { table: owner.tableName } : { schema, table: owner.tableName }
}

const ANY_SCHEMA = 'its schema is chosen at run time (`schema: "*"`), and nothing says which: give `mikroOrmStore` a `schema`'

type SchemaResolver = (entity: MikroOrmEntity) => string | undefined

/** MikroORM leaves the platform's default schema out of its SQL, so such a table is found by the search path. */
function schemaResolver(orm: MikroOrmInstance, chosen: string | undefined): SchemaResolver {
  const configured = orm.config.get('schema')
  const byPath = orm.em.getDriver().getPlatform().getDefaultSchemaName()
  return (entity) => {
    const schema = entity.schema === '*' ? (chosen ?? configured ?? '*') : (entity.schema ?? configured)
    return schema === byPath ? undefined : schema
  }
}

/** The junction table of a many-to-many relation that no class of the application stands for. */
function isGeneratedPivot(entity: MikroOrmEntity): boolean {
  return entity.pivotTable === true && (entity.className === entity.tableName || entity.className === `${entity.schema}.${entity.tableName}`)
}

function isTime(property: MikroOrmProperty): boolean {
  return property.kind === 'scalar' && property.runtimeType === 'Date'
}

/** MikroORM has no created-at or updated-at of its own, only hooks that make a value: taken where there is no doubt which column is meant. */
function single<T>(candidates: readonly T[]): T | undefined {
  return candidates.length === 1 ? candidates[0] : undefined
}

type EntitySchemas = ReadonlyMap<unknown, unknown>

/** What an application may hold of an entity: its class, its `EntitySchema` (what `defineEntity` returns), or both. */
function targetsOf(entity: MikroOrmEntity, schemas: EntitySchemas): { readonly target?: unknown }[] {
  const schema = schemas.get(entity.class) ?? schemas.get(entity.className)
  return [...(typeof entity.class === 'function' ? [{ target: entity.class }] : []), ...(schema === undefined ? [] : [{ target: schema }])]
}

function entitySchemas(entities: readonly unknown[]): EntitySchemas {
  // `setClass()` leaves the schema out of the configured entities; MikroORM keeps the pairs under this global symbol, for the same purpose.
  const registry = (globalThis as Record<symbol, unknown>)[Symbol.for('@mikro-orm/core/EntitySchema.REGISTRY')]
  const found = new Map<unknown, unknown>(registry instanceof Map ? registry : [])
  for (const entity of entities) {
    const meta = typeof entity === 'object' && entity !== null && 'meta' in entity ? (entity.meta as { class?: unknown; className?: string }) : undefined
    // MikroORM 6 makes a class for a schema without one, and does not tell the schema; its entities go by unique names.
    const key = meta?.class ?? meta?.className
    if (key !== undefined) found.set(key, entity)
  }
  return found
}
