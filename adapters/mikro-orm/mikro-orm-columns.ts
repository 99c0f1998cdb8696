import type { ColumnDraft, TableDraft } from '../sql/mapping/table-draft.ts'
import type { MikroOrmEntity, MikroOrmProperty } from './mikro-orm-instance.ts'

/**
 * The properties that own columns: as MikroORM's own schema generator decides it. Inline embedded properties stand flattened beside
 * their parent; an embedded object or array is one JSON column, and the properties inside it are not stored by themselves.
 */
export function storedProperties(entity: MikroOrmEntity): MikroOrmProperty[] {
  return ownProperties(entity).filter((property) => {
    if (property.persist === false || !property.columnTypes?.length || !property.fieldNames?.length) return false
    if (property.kind === 'embedded') return property.object === true
    return property.kind === 'scalar' || isOwningRelation(property)
  })
}

/** Those of the entity's own table: in table-per-type inheritance the key and what the class itself declares. */
export function ownProperties({ props, ownProps, tptParent, primaryKeys }: MikroOrmEntity): readonly MikroOrmProperty[] {
  return tptParent && ownProps ? props.filter((property) => ownProps.includes(property) || primaryKeys.includes(property.name)) : props
}

export function isOwningRelation(property: MikroOrmProperty): boolean {
  return property.kind === 'm:1' || (property.kind === '1:1' && property.owner === true)
}

/** The columns of one stored property: one, or as many as the key it refers to has. */
export function columnsOf(entity: MikroOrmEntity, property: MikroOrmProperty): ColumnDraft[] {
  const path = pathOf(entity, property)
  // With `mapToPk` the property holds the key itself, so it reads as a scalar.
  const relation = isOwningRelation(property) && !(property.mapToPk && property.fieldNames?.length === 1)
  return (property.fieldNames ?? []).map((column, at) => ({
    path: relation ? `${path}.${partOf(property, column, at)}` : path,
    column,
    relation,
  }))
}

/**
 * Embedded classes that are stored column by column. What stands inside one JSON column has no column of its own that a decorator could speak of.
 */
export function embeddedClasses(entity: MikroOrmEntity): NonNullable<TableDraft['embedded']> {
  return ownProperties(entity).flatMap((property) =>
    property.kind === 'embedded' && !property.object && typeof property.embeddable === 'function'
      ? [{ path: pathOf(entity, property), target: property.embeddable }]
      : [],
  )
}

/** `address_geo_lat` is declared as `lat` in `geo` in `address`. */
function pathOf(entity: MikroOrmEntity, property: MikroOrmProperty): string {
  const [parent, name] = property.embedded ?? []
  const owner = parent === undefined ? undefined : entity.properties[parent]
  return owner === undefined || name === undefined ? property.name : `${pathOf(entity, owner)}.${name}`
}

/** A polymorphic reference has the column that says where it leads before those of the key there. */
function partOf(property: MikroOrmProperty, column: string, at: number): string {
  if (!property.polymorphic) return referencedPath(property, at)
  return column === property.discriminatorColumn ? 'type' : referencedPath(property, at - 1)
}

/** The path, in the entity referred to, of the column at a position of the foreign key. */
function referencedPath(property: MikroOrmProperty, at: number): string {
  const column = property.referencedColumnNames?.[at]
  const target = property.targetMeta
  const owner = target?.props.find((each) => each.fieldNames?.includes(column ?? '') && each.persist !== false && each.kind !== 'm:n')
  if (!target || !owner || column === undefined) return column ?? String(at)
  return columnsOf(target, owner).find((each) => each.column === column)?.path ?? column
}
