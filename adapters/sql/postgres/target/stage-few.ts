import type { StageOptions } from '../../../../src/contracts/restore-target.ts'
import { isHoldfastError } from '../../../../src/kernel/errors.ts'
import { copyErrorLocation, copyIn } from '../copy/index.ts'
import { databaseError } from '../database-error.ts'
import { causeOf } from './database-problem.ts'
import type { FittedItem } from './fit-record.ts'
import { analyzeStatement, copyStatement, repeatedKeys, tableShape, UNINDEXED } from './staging-table.ts'
import type { StagingArea } from './staging-area.ts'
import type { TargetSession } from './target-session.ts'

/** Are they a few that were picked? Those go into a temporary table, which syncs no file; it is not for whole tables, which are compared by parallel workers. */
export function isFew({ item }: FittedItem): boolean {
  return item.partial === true && item.deleteExtra !== true && item.lines.rows <= UNINDEXED
}

/**
 * Loads a few records in one transaction, the table along with them: what takes longest of so few is going to the database and back. Null where that does not do, and nothing is staged then:
 * the role may have no temporary tables, or there is something wrong with a record, which loading them step by step tells apart.
 */
export async function stageFew(
  session: TargetSession,
  area: StagingArea,
  fitted: FittedItem,
  { signal, onProgress }: StageOptions,
): Promise<{ readonly table: string; readonly rows: number } | null> {
  const table = area.temporary()
  if (table === null) return null
  try {
    return await session.transaction(
      async (tx) => {
        await tx.rows('creating a staging table', `CREATE TEMP TABLE ${table} ${tableShape(fitted)}`)
        const { rows } = await copyIn(tx.client, copyStatement(table, fitted), fitted.program, fitted.item.lines.open({ signal }), {
          send: fitted.fields.map(({ path }) => path),
          append: ['line-number'],
          firstLine: 1,
          signal,
          onProgress,
        })
        if ((await repeatedKeys(tx, fitted, table, `${analyzeStatement(table, fitted)}; `)).length === 0) return { table, rows }
        await tx.rows('dropping a staging table', `DROP TABLE ${table}`)
        return null
      },
      { signal, ending: 'passing' },
    )
  } catch (error) {
    if (causeOf(error) && copyErrorLocation(error) && !isHoldfastError(error, 'E_ABORTED')) return null
    throw databaseError('loading the records', error)
  }
}
