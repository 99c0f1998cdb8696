import { ACTION_CODE } from '../../merge-action.ts'
import { quoteIdent } from '../quote.ts'
import type { DecidedItem } from './decide-actions.ts'
import type { FittedItem } from './fit-record.ts'
import { columnOf, LINE, sameKey } from './row-sql.ts'
import type { StagedRecords } from './stage-records.ts'
import type { TargetStatements } from './target-session.ts'

const keptColumns = ({ live }: FittedItem): readonly string[] => live.columns.filter(({ generated }) => !generated).map(({ name }) => name)

/** A new, empty table for rows that leave theirs, where any may. DDL: before the transaction that fills it. */
export async function emptyAside(statements: TargetStatements, { fitted, aside }: StagedRecords): Promise<void> {
  if (fitted.live.uniques.length === 0) return
  await statements.rows('dropping a staging table', `DROP TABLE IF EXISTS ${aside}`)
  await statements.rows(
    'creating a staging table',
    `CREATE TABLE ${aside} (${LINE} INT UNSIGNED NOT NULL PRIMARY KEY) ENGINE=InnoDB
     AS SELECT CAST(0 AS UNSIGNED) AS ${LINE}, ${keptColumns(fitted)
       .map((name) => columnOf('l', name))
       .join(', ')}
     FROM (SELECT 1 AS one) AS d LEFT JOIN ${fitted.live.table} AS l ON FALSE WHERE FALSE`,
  )
}

/**
 * Rows whose unique values change leave the table before any other is written, so that two can exchange theirs although the server checks row by row. With foreign keys
 * unchecked nothing cascades. Returns what brings them back as the records have them, and counts them.
 */
export async function setAside(statements: TargetStatements, { staged, fitted, counts }: DecidedItem): Promise<() => Promise<number>> {
  if (counts.swap === 0) return async () => 0
  const { table } = fitted.live
  const columns = keptColumns(fitted)
  const rows = `${staged.actions} a STRAIGHT_JOIN ${staged.table} s ON s.${LINE} = a.line STRAIGHT_JOIN ${table} l ON ${sameKey(fitted, 'l', 's')} WHERE a.act = ${ACTION_CODE.swap}`
  await statements.run(
    'taking rows out whose unique values change',
    `INSERT INTO ${staged.aside} (${[LINE, ...columns.map(quoteIdent)].join(', ')}) SELECT s.${LINE}, ${columns.map((column) => columnOf('l', column)).join(', ')} FROM ${rows}`,
  )
  await statements.run('taking rows out whose unique values change', `DELETE l FROM ${rows}`)
  const written = new Set(fitted.fields.filter((field) => field.written).map(({ column }) => column))
  return () =>
    statements.run(
      'bringing rows back whose unique values changed',
      `INSERT INTO ${table} (${columns.map(quoteIdent).join(', ')}) SELECT ${columns.map((column) => columnOf(written.has(column) ? 's' : 'o', column)).join(', ')}
       FROM ${staged.aside} o STRAIGHT_JOIN ${staged.table} s ON s.${LINE} = o.${LINE}`,
    )
}
