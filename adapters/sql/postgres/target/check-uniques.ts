import { quoteIdent } from '../quote.ts'
import type { DecidedItem } from './decide-actions.ts'
import { finalImage, isLeaving } from './final-image.ts'
import type { ProblemSearch } from './find-problems.ts'
import type { UniqueIndex } from './live-table.ts'
import { keyColumns, keyOfRow } from './record-key.ts'
import { LINE, sameKey } from './row-sql.ts'

/**
 * Looks for records that would share a unique value with another record, or with a live row of another key that stays as it is. Two rows that
 * exchange a value are no clash: what counts is how the table stands in the end.
 */
export function uniqueSearches(decided: DecidedItem): readonly ProblemSearch[] {
  const { fitted, counts } = decided
  if (counts.create + counts.update === 0) return []
  return fitted.live.uniques
    .filter((each) => mayChange(each, decided))
    .flatMap((index): ProblemSearch[] => {
      const says = `${describe(decided, index)} is unique (${index.name})`
      const written = indexed(decided, index, finalImage(decided), [LINE])
      return [
        {
          fitted,
          from: `FROM ${written} w JOIN ${indexed(decided, index, `(SELECT * FROM ${fitted.live.table})`, [])} l ON ${sameEntry(index, 'l', 'w')}
               WHERE NOT (${sameKey(fitted.live, 'l', 'w')}) AND NOT ${isLeaving(decided, 'l')}`,
          line: `w.${LINE}`,
          also: keyColumns(fitted, 'l', 'o'),
          cause: 'unique-clash',
          message: (row) => `${says}, and the live row ${keyOfRow(fitted, row, 'o')}, which stays, has the same value`,
        },
        {
          fitted,
          from: `FROM (SELECT *, min(${LINE}) OVER (PARTITION BY ${index.columns.map((_, at) => `u${at}`).join(', ')}) AS first FROM ${written} e ${distinctNulls(index)}) w
               WHERE w.${LINE} > w.first`,
          line: `w.${LINE}`,
          also: 'w.first::text AS first',
          cause: 'unique-clash',
          message: (row) => `${says}, and record ${row.first} has the same value`,
        },
      ]
    })
}

/** Whether an entry of the index can be another once all is written. */
export function mayChange({ uses }: UniqueIndex, { fitted, counts }: DecidedItem): boolean {
  return (
    counts.create > 0 ||
    fitted.fields.some(({ column }) => uses.includes(column)) ||
    fitted.live.columns.some(({ name, computed }) => computed && uses.includes(name))
  )
}

/** Key and index entry (`u0`, `u1`, …) of the rows that the index holds. Unqualified names in its expressions find the rows' columns. */
export function indexed({ fitted }: DecidedItem, index: UniqueIndex, rows: string, also: readonly string[]): string {
  const key = fitted.live.key.map(({ column }) => quoteIdent(column))
  const entry = index.columns.map(({ expression }, at) => `(${expression}) AS u${at}`)
  return `(SELECT ${[...also, ...key, ...entry].join(', ')} FROM ${rows} r ${index.predicate === null ? '' : `WHERE (${index.predicate})`})`
}

/** As the index compares; NULLs are equal only where it says so. */
export function sameEntry(index: UniqueIndex, a: string, b: string): string {
  return index.columns
    .map(({ operator }, at) => {
      const equal = `${a}.u${at} ${operator} ${b}.u${at}`
      return index.nullsNotDistinct ? `(${equal} OR num_nulls(${a}.u${at}, ${b}.u${at}) = 2)` : equal
    })
    .join(' AND ')
}

/** Behind rows `e` of `indexed`: only entries that can clash at all. */
export function distinctNulls(index: UniqueIndex): string {
  return index.nullsNotDistinct ? '' : `WHERE num_nulls(${index.columns.map((_, at) => `e.u${at}`).join(', ')}) = 0`
}

function describe({ fitted }: DecidedItem, index: UniqueIndex): string {
  return index.columns.map(({ name, expression }) => fitted.fields.find(({ column }) => column === name)?.path ?? expression).join(', ')
}
