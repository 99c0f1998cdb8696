import type { EntityDescriptor, FieldDescriptor } from '../../../../src/contracts/entity-descriptor.ts'
import type { RestoreItem } from '../../../../src/contracts/restore-target.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { MysqlColumn } from '../catalog.ts'
import { fitsType } from './fits-type.ts'
import type { LiveColumn, LiveTable } from './live-table.ts'

/** A field of the record beside the live column that takes it. */
export interface FittedField {
  readonly path: string
  /** As the server spells it. */
  readonly column: string
  readonly live: MysqlColumn
  readonly sensitive: boolean
  /** False for a generated column: the value in the record is never written. */
  readonly written: boolean
}

/** An item that the live table can take. */
export interface FittedItem {
  readonly item: RestoreItem
  readonly live: LiveTable
  /** In record order, key fields first. */
  readonly fields: readonly FittedField[]
  readonly key: readonly FittedField[]
  /** Live columns that the record lacks and no INSERT may leave out. */
  readonly lacking: readonly LiveColumn[]
  /** The field that says which of two versions of a row is the newer, where both sides have it. */
  readonly newer: FittedField | null
}

interface SchemaDifference {
  readonly entity: string
  readonly field: string
  readonly record: string
  /** Null when there is no such column. */
  readonly live: string | null
}

/**
 * Ties every field of the records to its live column: by property path, else by column name.
 *
 * @throws `E_SCHEMA_DRIFT` with every difference of all items in `details.differences`.
 */
export function fitRecords(items: readonly RestoreItem[], tables: readonly LiveTable[]): readonly FittedItem[] {
  const differences: SchemaDifference[] = []
  const fitted = items.map((item) => fit(item, liveTableOf(item.entity, tables), differences))
  if (differences.length > 0) {
    const said = differences.map(
      ({ entity, field, record, live }) => `${entity}.${field}: ${live === null ? `no such column for ${record}` : `${record} in the snapshot, ${live} now`}`,
    )
    throw new HoldfastError('E_SCHEMA_DRIFT', said.join('; '), { details: { differences } })
  }
  return fitted
}

export function liveTableOf(entity: string, tables: readonly LiveTable[]): LiveTable {
  const live = tables.find((table) => table.entity.name === entity)
  if (live) return live
  throw new HoldfastError('E_ENTITY_UNKNOWN', `${entity} is not an entity of this restore target: ${tables.map((table) => table.entity.name).join(', ')}`)
}

function fit(item: RestoreItem, live: LiveTable, differences: SchemaDifference[]): FittedItem {
  const fields: FittedField[] = []
  for (const record of item.record.fields) {
    const found = liveField(record, live.entity)
    const differ = (what: string, now: string | null) => differences.push({ entity: item.entity, field: record.path, record: what, live: now })
    if (!found) differ(record.dbType, null)
    else if (!fitsType(record, found)) differ(record.dbType, found.dbType)
    else if (fields.some(({ column }) => column === found.column)) differ(record.path, `column ${found.column} taken twice`)
    else
      fields.push({
        path: record.path,
        column: found.column,
        live: live.mapped.find(({ path }) => path === found.path)!,
        sensitive: Boolean(record.sensitive ?? found.sensitive),
        written: found.generation !== 'computed',
      })
  }
  const key = item.record.key.flatMap((path) => fields.find((field) => field.path === path) ?? [])
  const liveKey = live.key.map(({ column }) => column)
  if (key.length === item.record.key.length && (key.length !== liveKey.length || key.some(({ column }) => !liveKey.includes(column)))) {
    differences.push({ entity: item.entity, field: 'key', record: `key (${key.map(({ column }) => column).join(', ')})`, live: `key (${liveKey.join(', ')})` })
  }
  const mapped = new Set(fields.map(({ column }) => column))
  return {
    item,
    live,
    fields,
    key,
    lacking: live.columns.filter(({ name, optional }) => !optional && !mapped.has(name)),
    newer: newerField(item.record, live.entity, fields),
  }
}

function liveField(record: FieldDescriptor, live: EntityDescriptor): FieldDescriptor | undefined {
  return live.fields.find(({ path }) => path === record.path) ?? live.fields.find(({ column }) => column.toLowerCase() === record.column.toLowerCase())
}

function newerField(record: EntityDescriptor, live: EntityDescriptor, fields: readonly FittedField[]): FittedField | null {
  for (const mark of ['version', 'updatedAt'] as const) {
    const field = fields.find(({ path }) => path === record[mark])
    if (field && live[mark] === field.live.path) return field
  }
  return null
}

/** @throws `E_SCHEMA_DRIFT` for tables with columns that need a value the records lack. */
export function assertWhole(items: readonly FittedItem[]): void {
  const lacking = items
    .filter(({ item }) => item.lines.rows > 0)
    .flatMap(({ item, live, lacking: columns }) => columns.map(({ name }) => ({ entity: item.entity, table: live.table, column: name })))
  if (lacking.length === 0) return
  throw new HoldfastError(
    'E_SCHEMA_DRIFT',
    `required by the live tables, without default, and not in the snapshot: ${lacking.map(({ table, column }) => `${table}.${column}`).join(', ')}`,
    { details: { lacking } },
  )
}
