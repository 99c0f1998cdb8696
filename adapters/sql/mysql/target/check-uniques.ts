import type { ProblemList } from '../../problem-list.ts'
import type { UniqueFacts } from '../catalog-facts.ts'
import type { DecidedItem } from './decide-actions.ts'
import { finalImage, isOverwritten } from './final-image.ts'
import { findProblems } from './find-problems.ts'
import type { FittedItem } from './fit-record.ts'
import { keyColumns, keyOfRow } from './record-key.ts'
import { columnOf, LINE, sameKey } from './row-sql.ts'
import type { TargetStatements } from './target-session.ts'

/**
 * Finds records that would share a unique value with another record, or with a live row of another key that stays as it is. Two rows that exchange a value are no
 * clash: what counts is how the table stands in the end. Indexes over expressions, and over columns that the database computes, it judges itself when rows are written.
 */
export async function checkUniques(statements: TargetStatements, decided: DecidedItem, list: ProblemList): Promise<void> {
  const { fitted, counts } = decided
  if (counts.create + counts.update === 0) return
  const { table, columns } = fitted.live
  const generated = new Set(columns.filter((column) => column.generated).map(({ name }) => name))
  for (const index of fitted.live.uniques) {
    if (index.columns.some(({ name }) => generated.has(name))) continue
    const says = `${describe(fitted, index)} is unique (${index.name})`
    const present = index.columns.map(({ name }) => `${columnOf('w', name)} IS NOT NULL`).join(' AND ')
    await findProblems(
      statements,
      {
        doing: 'looking for unique clashes with live rows',
        fitted,
        from: `FROM ${finalImage(decided)} w JOIN ${table} l ON ${sameEntry(index, 'l', 'w')} WHERE NOT (${sameKey(fitted, 'l', 'w')}) AND NOT ${isOverwritten(decided, 'l')}`,
        line: `w.${LINE}`,
        also: keyColumns(fitted, 'l', 'o'),
        cause: 'unique-clash',
        message: (row) => `${says}, and the live row ${keyOfRow(fitted, row, 'o')}, which stays, has the same value`,
      },
      list,
    )
    const entry = index.columns.map((column) => entrySql(column, 'w')).join(', ')
    await findProblems(
      statements,
      {
        doing: 'looking for unique clashes among the records',
        fitted,
        from: `FROM (SELECT w.*, MIN(w.${LINE}) OVER (PARTITION BY ${entry}) AS holdfast_first FROM ${finalImage(decided)} w WHERE ${present}) w WHERE w.${LINE} > w.holdfast_first`,
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

const sameEntry = ({ columns }: UniqueFacts, a: string, b: string): string =>
  columns.map((column) => `${entrySql(column, a)} = ${entrySql(column, b)}`).join(' AND ')

const describe = ({ fields }: FittedItem, { columns }: UniqueFacts): string =>
  columns.map(({ name }) => fields.find(({ column }) => column === name)?.path ?? name).join(', ')
