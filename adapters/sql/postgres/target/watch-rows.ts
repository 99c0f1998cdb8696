import type { RowVerdict, RowWatch, TouchedRow } from '../../../../src/contracts/restore-target.ts'
import { lineOf } from '../../line-of-tokens.ts'
import { keyTextOf } from '../../../../src/record/index.ts'
import { ACTION_CODE, SHOWN, TOUCHING } from '../../merge-action.ts'
import { countActions, type DecidedItem } from './decide-actions.ts'
import { recordToken } from './record-token.ts'
import { columnOf, LINE, sameKey, textOf } from './row-sql.ts'
import type { TargetTransaction } from './target-session.ts'

/** Rows shown at once. */
const PAGE_ROWS = 2000

const ACTIONS: Readonly<Record<string, TouchedRow['action']>> = { c: 'create', u: 'update', p: 'update', d: 'delete', x: 'conflict' }

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
  const { live } = fitted
  const fields = live.entity.fields
  const texts = `to_json(ARRAY[${fields.map(({ column }) => textOf(columnOf('l', column))).join(', ')}]::text[])`
  const keys = fitted.key.map(({ column }, at) => `${textOf(columnOf('s', column))} AS k${at}`).join(', ')
  // Said of both tables: else the staged rows before the page would be read again for each.
  const sql = `SELECT a.line::text AS line, a.act::text AS act, ${keys}, CASE WHEN l.tableoid IS NOT NULL THEN ${texts}::text END AS live
    FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line LEFT JOIN ${live.table} l ON ${sameKey(live, 'l', 's')}
    WHERE a.act IN ${shown} AND a.line > $1 AND s.${LINE} > $1 ORDER BY a.line LIMIT ${PAGE_ROWS}`
  for (let after = 0; ;) {
    const rows = await tx.rows('showing the rows', sql, [after])
    if (rows.length > 0) yield rows.map((row) => touched(row))
    if (rows.length < PAGE_ROWS) return
    after = Number(rows.at(-1)!.line)
  }

  function touched(row: Readonly<Record<string, string | null>>): TouchedRow {
    const values = row.live === null || row.live === undefined ? null : (JSON.parse(row.live) as (string | null)[])
    return {
      line: Number(row.line),
      action: ACTIONS[row.act!]!,
      key: keyTextOf(fitted.key.map(({ record }, at) => recordToken(record.type, row[`k${at}`] ?? null))),
      live: values && lineOf(fields, (at) => recordToken(fields[at]!.type, values[at] ?? null)),
    }
  }
}
