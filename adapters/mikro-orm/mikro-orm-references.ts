import type { ColumnDraft, ReferenceDraft } from '../sql/mapping/table-draft.ts'
import { isOwningRelation } from './mikro-orm-columns.ts'
import type { MikroOrmEntity, MikroOrmProperty } from './mikro-orm-instance.ts'

export interface ReferenceSurroundings {
  readonly all: readonly MikroOrmEntity[]
  readonly tableOf: (entity: MikroOrmEntity) => { readonly schema?: string; readonly table: string }
}

/** What the rows of an entity refer to, whether the database has a foreign key for it or not. */
export function referencesOf(entity: MikroOrmEntity, own: readonly ColumnDraft[], { all, tableOf }: ReferenceSurroundings): ReferenceDraft[] {
  const columns = new Set(own.map(({ column }) => column))
  const declared = Object.values(entity.properties).flatMap((property): ReferenceDraft[] => {
    const { fieldNames = [], referencedColumnNames = [], targetMeta } = property
    // `object`: the relation stands inside a JSON column, whatever its field is called. One marked `persist: false` beside a stored scalar property of the same column is a reference all the same.
    if (!isOwningRelation(property) || property.object || !targetMeta || fieldNames.length === 0 || !fieldNames.every((name) => columns.has(name))) return []
    if (property.polymorphic) return eachTarget(property, fieldNames, { all, tableOf })
    const when = sideOfJunction(entity, property, all)
    return [{ columns: fieldNames, ...tableOf(targetMeta), targetColumns: referencedColumnNames, ...(when ? { when } : {}) }]
  })
  const { tptParent } = entity
  const key = keyColumns(entity)
  return tptParent ? [...declared, { columns: key, ...tableOf(tptParent), targetColumns: keyColumns(tptParent) }] : declared
}

/** One for each entity that a polymorphic reference may lead to; MikroORM takes care that no two share a table. */
function eachTarget(
  { discriminatorColumn, discriminatorMap = {} }: MikroOrmProperty,
  fieldNames: readonly string[],
  { all, tableOf }: ReferenceSurroundings,
): ReferenceDraft[] {
  const columns = fieldNames.filter((name) => name !== discriminatorColumn)
  return Object.entries(discriminatorMap).flatMap(([value, of]) => {
    const target = all.find((entity) => entity.class === of)
    if (!target || discriminatorColumn === undefined) return []
    return [{ columns, ...tableOf(target), targetColumns: keyColumns(target), when: { column: discriminatorColumn, values: [value] } }]
  })
}

/** In the junction table of a polymorphic relation a column tells which of several entities stands on the one side. */
function sideOfJunction(entity: MikroOrmEntity, { targetMeta, persist }: MikroOrmProperty, all: readonly MikroOrmEntity[]): ReferenceDraft['when'] {
  const map = entity.polymorphicDiscriminatorMap
  if (!map || persist !== false || !targetMeta) return undefined
  const column = all.flatMap(({ props }) => props).find(({ pivotTable, polymorphic }) => polymorphic && pivotTable === entity.tableName)?.discriminatorColumn
  const values = Object.entries(map).flatMap(([value, of]) => (of === targetMeta.class ? [value] : []))
  return column === undefined ? undefined : { column, values }
}

function keyColumns({ primaryKeys, properties }: MikroOrmEntity): readonly string[] {
  return primaryKeys.flatMap((name) => properties[name]?.fieldNames ?? [])
}
