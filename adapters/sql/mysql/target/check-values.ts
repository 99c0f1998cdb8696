import type { ProblemList } from '../../problem-list.ts'
import { ACTION_CODE } from '../../merge-action.ts'
import type { DecidedItem } from './decide-actions.ts'
import { finalImage } from './final-image.ts'
import { findProblems } from './find-problems.ts'
import { columnOf, LINE } from './row-sql.ts'
import type { TargetStatements } from './target-session.ts'

/**
 * Finds records with NULL where the live table takes none any more; and, where it has got a column that needs a value and the records have none, every record that
 * would be created. CHECK constraints the database judges, when rows are written.
 */
export async function checkValues(statements: TargetStatements, decided: DecidedItem, list: ProblemList): Promise<void> {
  const { fitted, counts, staged } = decided
  if (fitted.lacking.length > 0 && counts.create > 0) {
    const columns = fitted.lacking.map(({ name }) => name).join(', ')
    await findProblems(
      statements,
      {
        doing: 'looking for records that lack a column',
        fitted,
        from: `FROM ${staged.table} w JOIN ${staged.actions} a ON a.line = w.${LINE} WHERE a.act = ${ACTION_CODE.create}`,
        line: `w.${LINE}`,
        cause: 'schema',
        message: () => `the record has no value for ${columns}, which the table requires and has no default for`,
      },
      list,
    )
  }
  const required = fitted.fields.filter(({ written, live }) => written && !live.nullable)
  if (required.length === 0) return
  await findProblems(
    statements,
    {
      doing: 'looking for values that the live table refuses',
      fitted,
      from: `FROM ${finalImage(decided)} w WHERE ${required.map(({ column }) => `${columnOf('w', column)} IS NULL`).join(' OR ')}`,
      line: `w.${LINE}`,
      also: `CASE ${required.map(({ column }, at) => `WHEN ${columnOf('w', column)} IS NULL THEN ${at}`).join(' ')} END AS broken`,
      cause: 'validation',
      message: ({ broken }) => {
        const { path, column } = required[Number(broken)]!
        return `${path} is null, which column ${column} may not be`
      },
    },
    list,
  )
}
