import type { ColumnDraft, ReferenceDraft, TableDraft } from './table-draft.ts'

/** `schema.table`, the identity of a table inside one store. */
export function tableId(table: { readonly schema?: string; readonly table: string }): string {
  return table.schema === undefined ? table.table : `${table.schema}.${table.table}`
}

/**
 * One draft per table. Several classes may map one table: a summary class with fewer columns, or a class over a junction table
 * that gives it a payload. The one that maps most columns leads, the others become its aliases, and no column of any is lost.
 */
export function mergeDrafts(drafts: readonly TableDraft[]): TableDraft[] {
  const groups = new Map<string, [TableDraft, ...TableDraft[]]>()
  for (const draft of drafts) {
    const group = groups.get(tableId(draft))
    if (group) group.push(draft)
    else groups.set(tableId(draft), [draft])
  }
  return [...groups.values()].map((group) => (group.length === 1 ? group[0] : merge(group)))
}

function merge(group: readonly TableDraft[]): TableDraft {
  const [lead, ...rest] = group.toSorted((a, b) => rank(b) - rank(a)) as [TableDraft, ...TableDraft[]]
  const known = new Set(lead.columns.map((column) => column.column))
  const columns: ColumnDraft[] = [...lead.columns]
  const references: ReferenceDraft[] = [...lead.references]
  const problems = [...lead.problems]
  const embedded = group.flatMap((draft) => draft.embedded ?? [])
  for (const other of rest) {
    columns.push(...other.columns.filter((column) => !known.has(column.column)))
    for (const column of other.columns) known.add(column.column)
    references.push(...other.references)
    problems.push(...other.problems)
    if (!sameColumns(lead.key, other.key)) problems.push(`${other.name} maps the same table ${tableId(lead)} with another primary key`)
  }
  const aliases = [...lead.aliases, ...rest.flatMap((other) => [{ name: other.name, target: other.target }, ...other.aliases])]
  return {
    ...lead,
    columns,
    references,
    problems,
    embedded,
    aliases: aliases.filter((alias, at) => alias.name !== lead.name && aliases.findIndex((other) => other.name === alias.name) === at),
  }
}

/** Entities before junctions, then by the number of columns. */
function rank(draft: TableDraft): number {
  return (draft.kind === 'entity' ? 1_000_000 : 0) + new Set(draft.columns.map((column) => column.column)).size
}

function sameColumns(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((column) => b.includes(column))
}
