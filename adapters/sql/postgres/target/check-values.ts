import { quoteIdent, quoteLiteral } from '../quote.ts'
import type { DecidedItem } from './decide-actions.ts'
import { finalImage } from './final-image.ts'
import type { ProblemSearch } from './find-problems.ts'
import { LINE } from './row-sql.ts'

/**
 * Looks for records that NOT NULL or CHECK constraints of the live table would refuse: those that came since the snapshot. And, where the table has
 * got a column that needs a value and the records have none, every record that would be created.
 */
export function valueSearches(decided: DecidedItem): readonly ProblemSearch[] {
  const { fitted, counts, actions } = decided
  if (counts.create + counts.update === 0) return []
  const searches: ProblemSearch[] = []
  if (fitted.lacking.length > 0 && counts.create > 0) {
    const columns = fitted.lacking.map(({ name }) => name).join(', ')
    searches.push({
      fitted,
      from: `FROM ${decided.staged.table} w JOIN ${actions} a ON a.line = w.${LINE} WHERE a.act = 'c'`,
      line: `w.${LINE}`,
      cause: 'schema',
      message: () => `the record has no value for ${columns}, which the table requires and has no default for`,
    })
  }
  const mapped = new Set(fitted.fields.map(({ column }) => column))
  const rules = [
    ...fitted.live.columns
      .filter(({ name, notNull, computed }) => notNull && !computed && mapped.has(name))
      .map(({ name }) => ({ says: `${pathOf(decided, name)} is null, which column ${name} may not be`, broken: `num_nulls(w.${quoteIdent(name)}) = 1` })),
    // A check on a column that the record lacks may meet a default that is not known before; the database itself judges that one.
    ...fitted.live.checks
      .filter(({ columns }) => columns.every((column) => mapped.has(column)))
      .map(({ name, expression }) => ({ says: `check constraint ${name} is not met`, broken: `NOT (${expression})` })),
  ]
  if (rules.length === 0) return searches
  searches.push({
    fitted,
    from: `FROM ${finalImage(decided)} w CROSS JOIN LATERAL (VALUES ${rules.map(({ says, broken }) => `(${quoteLiteral(says)}, ${broken})`).join(', ')}) rule(says, broken)
           WHERE (${rules.map(({ broken }) => broken).join(' OR ')}) AND rule.broken`,
    line: `w.${LINE}`,
    also: 'rule.says AS says',
    cause: 'validation',
    message: (row) => row.says ?? '',
  })
  return searches
}

const pathOf = ({ fitted }: DecidedItem, column: string): string => fitted.fields.find((field) => field.column === column)?.path ?? column
