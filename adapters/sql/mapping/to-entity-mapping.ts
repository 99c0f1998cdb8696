import type { EntityMapping, FieldMapping, ReferenceDescriptor } from '../../../src/contracts/index.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { tableId } from './merge-drafts.ts'
import type { ColumnDraft, ReferenceDraft, TableDraft } from './table-draft.ts'

/** One entity mapping of one draft: each column once, key fields first, everything by property path. `entities` is entity name by table. */
export function toEntityMapping(draft: TableDraft, entities: ReadonlyMap<string, string>): EntityMapping {
  const paths = pathsByColumn(draft)
  const path = (column: string): string => {
    const found = paths.get(column)
    if (found === undefined) throw new HoldfastError('E_MAPPING', `${draft.name}: the ORM names the column ${column} without mapping it.`)
    return found
  }
  const optional = <K extends string>(name: K, column: string | undefined) => (column === undefined ? {} : ({ [name]: path(column) } as Record<K, string>))
  const fields = [...draft.key, ...[...paths.keys()].filter((column) => !draft.key.includes(column))].map((column): FieldMapping => ({
    path: path(column),
    column,
  }))
  return {
    name: draft.name,
    kind: draft.kind,
    ...(draft.target === undefined ? {} : { target: draft.target }),
    aliases: draft.aliases,
    ...(draft.embedded?.length ? { embedded: draft.embedded } : {}),
    ...(draft.schema === undefined ? {} : { schema: draft.schema }),
    table: draft.table,
    fields,
    key: draft.key.map(path),
    references: distinct(draft.references).map((reference) => toReference(reference, path, entities)),
    ...optional('version', draft.version),
    ...optional('updatedAt', draft.updatedAt),
    ...optional('createdAt', draft.createdAt),
    ...optional('deletedAt', draft.deletedAt),
    ...inheritedFrom(draft, entities),
    ...(draft.discriminator ? { discriminator: { field: path(draft.discriminator.column), values: draft.discriminator.values } } : {}),
  }
}

/**
 * A column mapped by two properties appears once: the scalar property wins. Two columns under one path (children of one table
 * that use one property name for columns of their own) keep the path for the first; the second goes by its column name.
 */
function pathsByColumn(draft: TableDraft): Map<string, string> {
  const chosen = new Map<string, ColumnDraft>()
  for (const column of draft.columns) {
    const known = chosen.get(column.column)
    if (known === undefined || (known.relation && !column.relation)) chosen.set(column.column, column)
  }
  const taken = new Set<string>()
  const paths = new Map<string, string>()
  for (const { column, path } of chosen.values()) {
    const free = taken.has(path) ? column : path
    if (taken.has(free)) throw new HoldfastError('E_MAPPING', `${draft.name}: the columns ${column} and another both go by the path ${free}.`)
    taken.add(free)
    paths.set(column, free)
  }
  return paths
}

function toReference(reference: ReferenceDraft, path: (column: string) => string, entities: ReadonlyMap<string, string>): ReferenceDescriptor {
  const entity = entities.get(tableId(reference))
  return {
    fields: reference.columns.map(path),
    ...(entity === undefined ? {} : { entity }),
    ...(reference.schema === undefined ? {} : { schema: reference.schema }),
    table: reference.table,
    columns: reference.targetColumns,
    ...(reference.when ? { when: { field: path(reference.when.column), values: reference.when.values } } : {}),
  }
}

/** @throws `E_MAPPING` when the table above is not among the mapped ones: half a row is none. */
function inheritedFrom({ name, inherits }: TableDraft, entities: ReadonlyMap<string, string>): Pick<EntityMapping, 'inherits'> {
  if (!inherits) return {}
  const entity = entities.get(tableId(inherits))
  if (entity !== undefined) return { inherits: entity }
  throw new HoldfastError('E_MAPPING', `${name}: the rest of its rows stands in the table ${tableId(inherits)}, which is excluded.`, {
    hint: `Exclude ${name} as well, or neither.`,
  })
}

function distinct(references: readonly ReferenceDraft[]): ReferenceDraft[] {
  const seen = new Map(references.map((reference) => [JSON.stringify([reference.columns, tableId(reference), reference.targetColumns]), reference]))
  return [...seen.values()]
}
