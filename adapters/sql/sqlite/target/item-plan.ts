import { createHash } from 'node:crypto'
import type { FieldDescriptor } from '../../../../src/contracts/entity-descriptor.ts'
import type { Affinity } from '../../../../src/contracts/field-type.ts'
import type { KeyText } from '../../../../src/contracts/key-range.ts'
import type { RestoreItem } from '../../../../src/contracts/restore-target.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { dynamicEncoder } from '../../../../src/record/dynamic-codec.ts'
import { keyTextOf } from '../../../../src/record/key-text.ts'
import type { StoredValue } from '../../../../src/record/stored-value.ts'
import type { SqliteColumn, SqliteEntity } from '../catalog.ts'
import { quoteName, sameName } from '../quote.ts'
import { rowidName } from '../table-facts.ts'

/** The name under which the staging database is attached. */
export const STAGE = 'holdfast'

/** Name of the staging table in the staging database itself. */
export const stagingTable = ({ staged }: ItemPlan): string => staged.slice(STAGE.length + 1)

/** A field of the records and the live column it goes to. */
export interface PlannedColumn {
  readonly path: string
  readonly affinity: Affinity
  /** Column of the staging table. */
  readonly stage: string
  /** Name of the live column, quoted. */
  readonly live: string
  readonly column: SqliteColumn
  readonly sensitive: boolean
}

/** How the records of one entity go to its table. */
export interface ItemPlan {
  readonly item: RestoreItem
  readonly entity: SqliteEntity
  /** The live table, qualified and quoted. */
  readonly table: string
  /** The staging table: line number `n`, then a column for each field. */
  readonly staged: string
  /** What is to be done with each staged row: `n`, `act`, `fk`. */
  readonly actions: string
  /** Live rows out of the way while others take their unique values. */
  readonly aside: string
  /** In the order of the record's fields. */
  readonly columns: readonly PlannedColumn[]
  /** Those that are written: all but generated columns. */
  readonly written: readonly PlannedColumn[]
  /** In key order. */
  readonly key: readonly PlannedColumn[]
  /** `l.<key> = s.<key>` for each key column. */
  readonly sameKey: string
  /** The field that decides `newer-version-wins`. */
  readonly newer: PlannedColumn | undefined
  /** Name of the rowid, where it is not a column itself and could be named. */
  readonly rowid: string | null
  keyText(row: readonly StoredValue[]): KeyText
}

/**
 * Ties the fields of the records to the columns of the live table: by property path, else by column name (a renamed property, or the other ORM).
 *
 * @throws `E_SCHEMA_DRIFT` listing every field that has no column, or one of another type, and every key that is another
 */
export function planItem(item: RestoreItem, entity: SqliteEntity): ItemPlan {
  const { record } = item
  const found = record.fields.map((field) => ({ field, column: liveColumn(entity, field) }))
  const problems = found.flatMap(({ field, column }) => drift(entity, field, column))
  const keyColumns = record.key.map((path) => found.find(({ field }) => field.path === path)?.column?.column)
  const liveKey = entity.order.map((at) => entity.columns[at]!.column)
  if (keyColumns.length !== liveKey.length || !liveKey.every((name) => keyColumns.includes(name))) {
    problems.push(`the key of the records (${record.key.join(', ')}) is not the key of ${entity.table.name} (${liveKey.join(', ')})`)
  }
  if (problems.length > 0) {
    throw new HoldfastError('E_SCHEMA_DRIFT', `"${item.entity}": ${problems.join('; ')}`, { details: { entity: item.entity, problems } })
  }
  const sensitive = new Set([...record.fields, ...entity.descriptor.fields].filter((field) => field.sensitive).map((field) => field.path))
  const columns = found.map(({ field, column }, at): PlannedColumn => ({
    path: field.path,
    affinity: column!.affinity,
    stage: `c${at}`,
    live: quoteName(column!.column),
    column: column!,
    sensitive: sensitive.has(field.path) || sensitive.has(column!.path),
  }))
  const key = record.key.map((path) => columns.find((column) => column.path === path)!)
  /** A mark counts only where records and table agree on what it is. */
  const marked = (mark: 'version' | 'updatedAt') => columns.find(({ path, column }) => path === record[mark] && column.path === entity.descriptor[mark])
  const keyPositions = key.map((column) => columns.indexOf(column))
  const keyEncoders = key.map(({ affinity }) => dynamicEncoder(affinity))
  // Not its place among the entities of this restore: one that goes on with the stage may be of others.
  const id = createHash('sha256').update(item.entity).digest('hex').slice(0, 16)
  return {
    item,
    entity,
    table: `main.${quoteName(entity.table.name)}`,
    staged: `${STAGE}.s${id}`,
    actions: `${STAGE}.a${id}`,
    aside: `${STAGE}.o${id}`,
    columns,
    written: columns.filter(({ column }) => !column.generated),
    key,
    sameKey: key.map(({ live, stage }) => `l.${live} = s.${stage}`).join(' AND '),
    newer: marked('version') ?? marked('updatedAt'),
    rowid: entity.table.rowidColumn === null ? rowidName(entity.table) : null,
    keyText: (row) => keyTextOf(keyPositions.map((at, part) => keyEncoders[part]!(row[at] ?? null))),
  }
}

function liveColumn(entity: SqliteEntity, field: FieldDescriptor): SqliteColumn | undefined {
  return entity.columns.find((column) => column.path === field.path) ?? entity.columns.find((column) => sameName(column.column, field.column))
}

function drift(entity: SqliteEntity, field: FieldDescriptor, column: SqliteColumn | undefined): string[] {
  if (!column) return [`${field.path} has no column in ${entity.table.name}`]
  if (field.type.kind !== 'dynamic') return [`${field.path} is ${field.dbType} of another kind of database`]
  if (field.type.affinity !== column.affinity) return [`${field.path} was ${field.dbType || 'untyped'} (${field.type.affinity}) and is ${column.affinity} now`]
  return []
}
