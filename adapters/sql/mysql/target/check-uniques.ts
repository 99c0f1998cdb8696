import type { ProblemList } from '../../problem-list.ts'
import type { UniqueFacts } from '../catalog-facts.ts'
import type { DecidedItem } from './decide-actions.ts'
import { quoteIdent } from '../quote.ts'
import { finalImage, isLeaving } from './final-image.ts'
import { findProblems } from './find-problems.ts'
import type { FittedItem } from './fit-record.ts'
import { keyColumns, keyOfRow } from './record-key.ts'
import { columnOf, LINE, sameKey } from './row-sql.ts'
import type { TargetStatements } from './target-session.ts'

/**
 * Finds records that would share a unique value with another record, or with a live row of another key that stays as it is. Two rows that exchange a value are no
 * clash: what counts is how the table stands in the end. Indexes over expressions, and over columns that the database computes, it judges itself when rows are written.
 *
 * @param far Indexes over prefixes too. No index finds a row by what such a one holds, so every live row is read, which in the merge would lock it: there the database judges.
 */
export async function checkUniques(statements: TargetStatements, decided: DecidedItem, list: ProblemList, { far }: { readonly far: boolean }): Promise<void> {
  const { fitted, counts } = decided
  if (counts.create + counts.update === 0) return
  const { table, columns } = fitted.live
  const generated = new Set(columns.filter((column) => column.generated).map(({ name }) => name))
  for (const index of fitted.live.uniques) {
    if (index.columns.some(({ name }) => generated.has(name))) continue
    const prefixes = index.columns.some(({ prefixLength }) => prefixLength !== null)
    if (prefixes && !far) continue
    const says = `${describe(fitted, index)} is unique (${index.name})`
    const present = index.columns.map(({ name }) => `${columnOf('w', name)} IS NOT NULL`).join(' AND ')
    await findProblems(
      statements,
      {
        doing: 'looking for unique clashes with live rows',
        fitted,
        from: prefixes
          ? `FROM ${finalImage(decided)} w JOIN ${entriesThatStay(decided, index)} l ON ${index.columns.map((column, at) => `l.u${at} = ${entrySql(column, 'w')}`).join(' AND ')}
             WHERE NOT (${sameKey(fitted, 'l', 'w')})`
          : `FROM ${finalImage(decided)} w JOIN ${table} l ON ${index.columns.map(({ name }) => `${columnOf('l', name)} = ${columnOf('w', name)}`).join(' AND ')}
             WHERE NOT (${sameKey(fitted, 'l', 'w')}) AND NOT ${isLeaving(decided, 'l')}`,
        line: `w.${LINE}`,
        also: keyColumns(fitted, 'l', 'o'),
        cause: 'unique-clash',
        message: (row) => `${says}, and the live row ${keyOfRow(fitted, row, 'o')}, which stays, has the same value`,
      },
      list,
    )
    const entry = index.columns.map((column) => entrySql(column, 'w')).join(', ')
    const sorted = [`w.${LINE}`, ...fitted.key.map(({ column }) => columnOf('w', column))].join(', ')
    await findProblems(
      statements,
      {
        doing: 'looking for unique clashes among the records',
        fitted,
        from: `FROM (SELECT ${sorted}, MIN(w.${LINE}) OVER (PARTITION BY ${entry}) AS holdfast_first FROM ${finalImage(decided)} w WHERE ${present}) w WHERE w.${LINE} > w.holdfast_first`,
        line: `w.${LINE}`,
        also: 'w.holdfast_first AS first',
        cause: 'unique-clash',
        message: (row) => `${says}, and record ${row.first} has the same value`,
      },
      list,
    )
  }
}

type IndexColumn = UniqueFacts['columns'][number]

const entrySql = ({ name, prefixLength }: IndexColumn, alias: string): string =>
  prefixLength === null ? columnOf(alias, name) : `LEFT(${columnOf(alias, name)}, ${prefixLength})`

/**
 * What the index holds of live rows that stay, as `u0`, `u1` …, each with the key of its row, for a FROM clause. Grouped, though no entry stands twice: so the server makes
 * it once, with an index of its own, where it would compare each row with each.
 */
function entriesThatStay(decided: DecidedItem, { columns }: UniqueFacts): string {
  const { live, key } = decided.fitted
  const entries = columns.map((column) => entrySql(column, 't'))
  const list = [...key.map(({ column }) => `MIN(${columnOf('t', column)}) AS ${quoteIdent(column)}`), ...entries.map((sql, at) => `${sql} AS u${at}`)]
  const held = columns.map(({ name }) => `${columnOf('t', name)} IS NOT NULL`).join(' AND ')
  return `(SELECT ${list.join(', ')} FROM ${live.table} t WHERE ${held} AND NOT ${isLeaving(decided, 't')} GROUP BY ${entries.join(', ')})`
}

const describe = ({ fields }: FittedItem, { columns }: UniqueFacts): string =>
  columns.map(({ name }) => fields.find(({ column }) => column === name)?.path ?? name).join(', ')
