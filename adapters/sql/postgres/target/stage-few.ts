import { FEW_RECORDS, type StageOptions } from '../../../../src/contracts/restore-target.ts'
import { isHoldfastError } from '../../../../src/kernel/errors.ts'
import { copyErrorLocation, copyIn } from '../copy/index.ts'
import { databaseError } from '../database-error.ts'
import { causeOf } from './database-problem.ts'
import type { FittedItem } from './fit-record.ts'
import { analyzeStatement, copyStatement, repeatedKeysSql, tableShape } from './staging-table.ts'
import type { StagingArea } from './staging-area.ts'
import type { TargetSession } from './target-session.ts'

/** Are they a few that were picked? Those go into a temporary table, which syncs no file; it is not for whole tables, which are compared by parallel workers. */
export function isFew({ item }: FittedItem): boolean {
  return item.partial === true && item.deleteExtra !== true && item.lines.rows <= FEW_RECORDS
}

/** Few records in a table of their own. */
export interface StagedFew {
  readonly fitted: FittedItem
  readonly table: string
  readonly rows: number
}

/**
 * Loads a few records of each entity in one transaction, the tables along with them: what takes longest of so few is going to the database and back. Null where that does not do, and nothing is
 * staged then: the role may have no temporary tables, or there is something wrong with a record, which loading them step by step tells apart.
 */
export async function stageFew(
  session: TargetSession,
  area: StagingArea,
  items: readonly FittedItem[],
  { signal, onProgress }: Pick<StageOptions, 'signal' | 'onProgress'>,
): Promise<readonly StagedFew[] | null> {
  const { temporary } = area
  if (!temporary) return null
  const tables = items.map((fitted) => ({ fitted, table: temporary() }))
  const sql = tables.map(({ fitted, table }) => `CREATE TEMP TABLE ${table} ${tableShape(fitted)}`).join('; ')
  try {
    return await session.transaction(
      async (tx) => {
        const staged: StagedFew[] = []
        for (const { fitted, table } of tables) {
          const { rows } = await copyIn(tx.client, copyStatement(table, fitted), fitted.program, fitted.item.lines.open({ signal }), {
            send: fitted.fields.map(({ path }) => path),
            append: ['line-number'],
            firstLine: 1,
            signal,
            onProgress,
          })
          staged.push({ fitted, table, rows })
        }
        const repeated = await tx.all(
          'looking for repeated keys',
          tables.map(({ fitted, table }) => [analyzeStatement(table, fitted), repeatedKeysSql(fitted, table)]),
        )
        if (repeated.every((rows) => rows.length === 0)) return staged
        await tx.rows('dropping staging tables', `DROP TABLE ${tables.map(({ table }) => table).join(', ')}`)
        return null
      },
      { signal, ending: 'passing', first: { doing: 'creating a staging table', sql } },
    )
  } catch (error) {
    if (causeOf(error) && copyErrorLocation(error) && !isHoldfastError(error, 'E_ABORTED')) return null
    throw databaseError('loading the records', error)
  }
}
