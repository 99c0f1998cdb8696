import type { SqliteConnection } from '../connection.ts'
import { quoteName, sameName } from '../quote.ts'
import type { Slices } from '../slices.ts'
import { childTables, columnOf, type ForeignKeyFacts, readTable, type TableFacts } from '../table-facts.ts'
import { affinityOf } from '../affinity.ts'
import { ACTION, LEAVING, WRITTEN } from './actions.ts'
import type { ItemPlan, PlannedColumn } from './item-plan.ts'
import type { ProblemList } from './problem-list.ts'
import { forRanges } from './row-ranges.ts'

/** One bit for each foreign key of a table; the last is shared by all that have none of their own. */
export function foreignKeyBit(index: number): string {
  return `${1n << BigInt(Math.min(index, 62))}`
}

/** The planned columns of those names; undefined unless the records have all of them. */
export function columnsOf(plan: ItemPlan, names: readonly string[]): readonly PlannedColumn[] | undefined {
  const columns = names.map((name) => plan.columns.find(({ column }) => sameName(column.column, name)))
  return columns.every((column) => column !== undefined) ? columns : undefined
}

/** By which collation the parent's unique index compares; null for a rowid, which has none. */
function parentCollations(parent: TableFacts, names: readonly string[]): readonly (string | null)[] {
  const index = parent.uniques.find(
    (unique) => unique.columns.length === names.length && names.every((name) => unique.columns.some(({ column }) => sameName(column, name))),
  )
  return names.map((name) => index?.columns.find(({ column }) => sameName(column, name))?.collation ?? null)
}

/** The columns of the parent's staging table that a lookup of its rows needs an index on: each entry is a column list. */
export function lookupIndexes(connection: SqliteConnection, plan: ItemPlan): string[] {
  const { table } = plan.entity
  const lists = childTables(connection, table.name).flatMap(({ foreignKey }) => {
    const columns = columnsOf(plan, foreignKey.parentColumns)
    if (!columns) return []
    const collations = parentCollations(table, foreignKey.parentColumns)
    return [columns.map(({ stage }, at) => `${stage}${collations[at] === null ? '' : ` COLLATE ${quoteName(collations[at]!)}`}`).join(', ')]
  })
  return [...new Set(lists)]
}

/** Before the merge: records whose parent is neither in its table nor among the records that will be there. */
export function* findMissingParents(connection: SqliteConnection, plan: ItemPlan, plans: readonly ItemPlan[], problems: ProblemList): Slices<void> {
  for (const [at, foreignKey] of plan.entity.table.foreignKeys.entries()) {
    const child = columnsOf(plan, foreignKey.columns)
    if (!child) continue
    const parent = readTable(connection, foreignKey.parent)
    const parents = foreignKey.parentColumns
    // Where the two sides differ in affinity SQLite converts one of them. Only the look after the merge, at live rows, does the same.
    if (parent && !parents.every((name, part) => affinityOf(columnOf(parent, name)?.declared ?? '', parent.strict) === child[part]!.affinity)) continue
    const lookups = parent ? [liveLookup(parent, parents, child, plans), ...plans.flatMap((other) => stagedLookup(other, parent, parents, child))] : []
    const sql = `SELECT s.n FROM ${plan.actions} a CROSS JOIN ${plan.staged} s ON s.n = a.n WHERE a.n BETWEEN ? AND ? AND a.act IN ${WRITTEN} AND (a.fk & ${foreignKeyBit(at)}) <> 0
      AND ${child.map(({ stage }) => `s.${stage} IS NOT NULL`).join(' AND ')}${lookups.map((lookup) => ` AND NOT EXISTS (${lookup})`).join('')}`
    yield* forRanges(connection, plan.staged, (first, last) => {
      const lines = connection.rows(sql, [first, last]).map(([line]) => line as bigint)
      problems.addLines(connection, plan, lines, 'missing-parent', message(plan, foreignKey, ' and not among the records either'))
    })
  }
}

function liveLookup(parent: TableFacts, names: readonly string[], child: readonly PlannedColumn[], plans: readonly ItemPlan[]): string {
  const plan = plans.find(({ entity }) => sameName(entity.table.name, parent.name))
  const keeps = plan && (mayChange(plan, names) || mayDelete(plan)) ? ` AND NOT EXISTS (${overwriting(plan, 'p')})` : ''
  return `SELECT 1 FROM main.${quoteName(parent.name)} p WHERE ${names.map((name, at) => `p.${quoteName(name)} = s.${child[at]!.stage}`).join(' AND ')}${keeps}`
}

/** An update may change what those columns of a row hold: it writes them, and not as part of the key. */
function mayChange(plan: ItemPlan, names: readonly string[]): boolean {
  return columnsOf(plan, names)?.some((column) => plan.written.includes(column) && !plan.key.includes(column)) ?? false
}

/** A row that goes takes with it what others refer to. */
export function mayDelete({ item }: ItemPlan): boolean {
  return item.deleteExtra === true || item.deleteFrom !== undefined
}

/** The staged row that will overwrite or delete the live one under this alias. The `+` takes the affinity off, which would be in the way of the index. */
function overwriting(plan: ItemPlan, alias: string): string {
  const same = plan.key.map(({ stage, live }) => `m.${stage} = +${alias}.${live}`).join(' AND ')
  return `SELECT 1 FROM ${plan.staged} m CROSS JOIN ${plan.actions} ma ON ma.n = m.n WHERE ${same} AND ma.act IN ${LEAVING}`
}

/** Before the merge: records that would take from live rows the value which those refer to. Keys never change, so this is about foreign keys to other columns. */
export function* findLostParents(connection: SqliteConnection, plan: ItemPlan, plans: readonly ItemPlan[], problems: ProblemList): Slices<void> {
  const { table } = plan.entity
  for (const { child, foreignKey } of childTables(connection, table.name)) {
    const columns = columnsOf(plan, foreignKey.parentColumns)
    const facts = readTable(connection, child)
    if (!columns || !facts || !mayChange(plan, foreignKey.parentColumns)) continue
    // As above: where SQLite would have to convert, the look after the merge decides.
    if (!foreignKey.columns.every((name, at) => affinityOf(columnOf(facts, name)?.declared ?? '', facts.strict) === columns[at]!.affinity)) continue
    const collations = parentCollations(table, foreignKey.parentColumns)
    const refers = columns.map(({ live }, at) => `l.${live} = c.${quoteName(foreignKey.columns[at]!)}`).join(' AND ')
    const kept = columns
      .map(({ stage }, at) => `f.${stage}${collations[at] === null ? '' : ` COLLATE ${quoteName(collations[at]!)}`} = +c.${quoteName(foreignKey.columns[at]!)}`)
      .join(' AND ')
    const sameKey = plan.key.map(({ stage, live }) => `s.${stage} = +l.${live}`).join(' AND ')
    const sql = `SELECT DISTINCT s.n FROM main.${quoteName(child)} c CROSS JOIN ${plan.table} l ON ${refers} CROSS JOIN ${plan.staged} s ON ${sameKey} CROSS JOIN ${plan.actions} a ON a.n = s.n
      WHERE a.act IN (${ACTION.update}, ${ACTION.aside})${changesReference(child, foreignKey, plans)}
      AND NOT EXISTS (SELECT 1 FROM ${plan.staged} f CROSS JOIN ${plan.actions} fa ON fa.n = f.n WHERE ${kept} AND fa.act IN ${WRITTEN}) ORDER BY 1`
    const lines = connection.rows(sql).map(([line]) => line as bigint)
    const names = columns.map(({ path }) => path).join(', ')
    problems.addLines(connection, plan, lines, 'missing-parent', `rows of "${child}" refer to a value of ${names} that no row would have any more`)
    yield
  }
}

/** Before the merge: rows to be deleted that others still refer to. */
export function* findOrphans(connection: SqliteConnection, plan: ItemPlan, plans: readonly ItemPlan[], problems: ProblemList): Slices<void> {
  if (!mayDelete(plan)) return
  const { table } = plan.entity
  for (const { child, foreignKey } of childTables(connection, table.name)) {
    const parent = readTable(connection, table.name)
    if (!parent) continue
    const refers = foreignKey.parentColumns.map((name, at) => `l.${quoteName(name)} = c.${quoteName(foreignKey.columns[at]!)}`).join(' AND ')
    const sameKey = plan.key.map(({ stage, live }) => `l.${live} = s.${stage}`).join(' AND ')
    const other = plans.find(({ entity }) => sameName(entity.table.name, child))
    const stays = other ? ` AND NOT EXISTS (${overwriting(other, 'c')})` : ''
    const columns = columnsOf(plan, foreignKey.parentColumns)
    const kept = columns
      ? ` AND NOT EXISTS (SELECT 1 FROM ${plan.staged} f CROSS JOIN ${plan.actions} fa ON fa.n = f.n WHERE ${columns.map(({ stage }, at) => `f.${stage} = +c.${quoteName(foreignKey.columns[at]!)}`).join(' AND ')} AND fa.act IN ${WRITTEN})`
      : ''
    const sql = `SELECT s.n FROM ${plan.actions} a CROSS JOIN ${plan.staged} s ON s.n = a.n CROSS JOIN ${plan.table} l ON ${sameKey}
      WHERE a.n BETWEEN ? AND ? AND a.act = ${ACTION.delete} AND EXISTS (SELECT 1 FROM main.${quoteName(child)} c WHERE ${refers}${stays}${kept})`
    yield* forRanges(connection, plan.staged, (first, last) => {
      const lines = connection.rows(sql, [first, last]).map(([line]) => line as bigint)
      problems.addLines(connection, plan, lines, 'missing-parent', `it would be deleted, and rows of "${child}" refer to it`, true)
    })
  }
}

/** Leaves out rows of the child table that a record gives another reference: `findMissingParents` judges those as they will be. */
function changesReference(child: string, foreignKey: ForeignKeyFacts, plans: readonly ItemPlan[]): string {
  const other = plans.find(({ entity }) => sameName(entity.table.name, child))
  const at = other?.entity.table.foreignKeys.findIndex((own) => own.parent === foreignKey.parent && own.columns.join() === foreignKey.columns.join()) ?? -1
  if (!other || at < 0) return ''
  const key = (alias: string) => other.key.map(({ live }) => `${alias}.${live}`).join(', ')
  return ` AND (${key('c')}) NOT IN (SELECT ${key('l')} FROM ${other.actions} a CROSS JOIN ${other.staged} s ON s.n = a.n CROSS JOIN ${other.table} l ON ${other.sameKey}
      WHERE a.act IN (${ACTION.update}, ${ACTION.aside}) AND (a.fk & ${foreignKeyBit(at)}) <> 0 OR a.act = ${ACTION.delete})`
}

function stagedLookup(other: ItemPlan, parent: TableFacts, names: readonly string[], child: readonly PlannedColumn[]): string[] {
  if (!sameName(other.entity.table.name, parent.name)) return []
  const columns = columnsOf(other, names)
  if (!columns) return []
  const collations = parentCollations(parent, names)
  const same = columns
    .map(({ stage }, at) => `p.${stage} = s.${child[at]!.stage}${collations[at] === null ? '' : ` COLLATE ${quoteName(collations[at]!)}`}`)
    .join(' AND ')
  return [`SELECT 1 FROM ${other.staged} p CROSS JOIN ${other.actions} pa ON pa.n = p.n WHERE ${same} AND pa.act IN ${WRITTEN}`]
}

/**
 * After the merge, before it commits: every foreign key that a written row has now and did not have before must find its parent. Foreign keys that were broken
 * before, and that the merge has not touched, are not its business. (`PRAGMA foreign_key_check` would read whole tables, and could not tell old from new.)
 */
export function* checkWrittenRows(connection: SqliteConnection, plan: ItemPlan, problems: ProblemList): Slices<void> {
  for (const [at, foreignKey] of plan.entity.table.foreignKeys.entries()) {
    const child = foreignKey.columns.map((name) => `l.${quoteName(name)}`)
    const parent = readTable(connection, foreignKey.parent)
    const lookup = parent
      ? ` AND NOT EXISTS (SELECT 1 FROM main.${quoteName(parent.name)} p WHERE ${foreignKey.parentColumns.map((name, part) => `p.${quoteName(name)} = ${child[part]}`).join(' AND ')})`
      : ''
    const sql = `SELECT s.n FROM ${plan.actions} a CROSS JOIN ${plan.staged} s ON s.n = a.n CROSS JOIN ${plan.table} l ON ${plan.sameKey}
      WHERE a.n BETWEEN ? AND ? AND a.act IN ${WRITTEN} AND (a.fk & ${foreignKeyBit(at)}) <> 0 AND ${child.map((column) => `${column} IS NOT NULL`).join(' AND ')}${lookup}`
    yield* forRanges(connection, plan.staged, (first, last) => {
      const lines = connection.rows(sql, [first, last]).map(([line]) => line as bigint)
      problems.addLines(connection, plan, lines, 'missing-parent', message(plan, foreignKey))
    })
  }
}

function message(plan: ItemPlan, { columns, parent }: ForeignKeyFacts, more = ''): string {
  const paths = columns.map((name) => plan.columns.find(({ column }) => sameName(column.column, name))?.path ?? name)
  return `${paths.join(', ')}: there is no such row in "${parent}"${more}`
}

/** A broken foreign key of a live row, as `PRAGMA foreign_key_check` names it. */
export interface BrokenReference {
  readonly table: string
  /** Null in a table without rowids. */
  readonly rowid: bigint | null
  readonly parent: string
  readonly foreignKey: number
}

export function brokenReferences(connection: SqliteConnection, table: string): readonly BrokenReference[] {
  return connection.rows('SELECT "table", rowid, parent, fkid FROM pragma_foreign_key_check(?)', [table]).map(([name, rowid, parent, id]) => ({
    table: name as string,
    rowid: rowid as bigint | null,
    parent: parent as string,
    foreignKey: Number(id),
  }))
}

/**
 * Tables whose rows point at a column of `plan`'s table that an update may change. Keys never change (rows are matched by them), so this is only about foreign
 * keys to other unique columns.
 */
export function childrenByOtherColumns(connection: SqliteConnection, plan: ItemPlan): readonly string[] {
  const written = new Set(plan.written.filter((column) => !plan.key.includes(column)).map(({ column }) => column.column.toLowerCase()))
  const children = childTables(connection, plan.entity.table.name).filter(({ foreignKey }) =>
    foreignKey.parentColumns.some((name) => written.has(name.toLowerCase())),
  )
  return [...new Set(children.map(({ child }) => child))]
}
