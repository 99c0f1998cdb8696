import type { RowVerdict, RowWatch, TouchedRow } from '../../../../src/contracts/restore-target.ts'
import { ACTION_CODE, SHOWN, TOUCHING } from '../../merge-action.ts'
import { copyOut, copyProgram } from '../copy/index.ts'
import { copySql } from '../read-sql.ts'
import { countActions, type DecidedItem } from './decide-actions.ts'
import { columnOf, LINE, sameKey } from './row-sql.ts'
import { touchedRows } from './touched-rows.ts'
import type { TargetTransaction } from './target-session.ts'

/** Rows shown at once: few enough to be forgotten before the collector of garbage takes them for lasting. */
const PAGE_ROWS = 500

/** Shows every row that is to be written, or is undecided, and takes the verdicts over. */
export async function judgeRows(tx: TargetTransaction, decided: readonly DecidedItem[], watch: RowWatch | undefined): Promise<readonly DecidedItem[]> {
  if (!watch) return decided
  const judged: DecidedItem[] = []
  for (const item of decided) {
    let changed = false
    for await (const rows of pagesOf(tx, item, SHOWN)) {
      const verdicts = await watch.judge(item.fitted.live.entity, rows)
      for (const action of ['update', 'keep', 'conflict'] as const) {
        const lines = verdicts.filter((verdict) => verdict.action === action).map(({ line }: RowVerdict) => Math.trunc(line))
        if (lines.length === 0) continue
        changed = true
        await tx.run('taking verdicts over', `UPDATE ${item.actions} SET act = ${ACTION_CODE[action]} WHERE line IN (${lines.join(', ')})`)
      }
    }
    judged.push(changed ? { ...item, counts: await countActions(tx, item.staged, item.actions) } : item)
  }
  await watch.judged?.()
  return judged
}

/** Shows the rows as they were written. */
export async function showWritten(tx: TargetTransaction, decided: readonly DecidedItem[], watch: RowWatch | undefined): Promise<void> {
  if (!watch) return
  for (const item of decided) for await (const rows of pagesOf(tx, item, TOUCHING)) await watch.written?.(item.fitted.live.entity, rows)
  await watch.settled?.()
}

async function* pagesOf(
  tx: TargetTransaction,
  { staged, fitted, actions }: DecidedItem,
  shown: string,
): AsyncGenerator<readonly TouchedRow[], void, undefined> {
  const { live, key } = fitted
  const marks = ['line', 'action', 'live', ...key.map((_, at) => `key ${at}`)].map((name) => `\0${name}`)
  const program = copyProgram(
    [
      { path: marks[0]!, type: { kind: 'int' } },
      { path: marks[1]!, type: { kind: 'text' } },
      { path: marks[2]!, type: { kind: 'boolean' } },
      ...key.map(({ record }, at) => ({ path: marks[3 + at]!, type: record.type })),
      ...live.entity.fields,
    ],
    marks,
    marks,
  )
  const columns = [...key.map(({ column }) => columnOf('s', column)), ...live.entity.fields.map(({ column }) => columnOf('l', column))]
  // Said of both tables: else the staged rows before the page would be read again for each.
  const sql = (after: number) => `SELECT a.line, a.act, l.tableoid IS NOT NULL, ${columns.join(', ')}
    FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line LEFT JOIN ${live.table} l ON ${sameKey(live, 'l', 's')}
    WHERE a.act IN ${shown} AND a.line > ${after} AND s.${LINE} > ${after} ORDER BY a.line LIMIT ${PAGE_ROWS}`
  for (let after = 0; ;) {
    const rows: TouchedRow[] = []
    for await (const batch of copyOut(tx.client, copySql(sql(after)), program)) {
      for (const row of touchedRows(batch)) rows.push(row)
      batch.release?.()
    }
    if (rows.length > 0) yield rows
    if (rows.length < PAGE_ROWS) return
    after = rows.at(-1)!.line
  }
}
