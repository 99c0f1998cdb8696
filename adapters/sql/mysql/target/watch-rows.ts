import type { RowVerdict, RowWatch, TouchedRow } from '../../../../src/contracts/restore-target.ts'
import { keyTextOf } from '../../../../src/record/key-text.ts'
import { lineOf } from '../../line-of-tokens.ts'
import { ACTION_CODE, SHOWN, TOUCHING } from '../../merge-action.ts'
import type { TextRow } from '../query.ts'
import { countActions, type DecidedItem, overwriting } from './decide-actions.ts'
import { recordToken, tokenSql } from './record-token.ts'
import { columnOf, LINE, sameKey } from './row-sql.ts'
import type { TargetStatements } from './target-session.ts'

/** Rows shown at once. */
const PAGE_ROWS = 2000

const ACTIONS: Readonly<Record<string, TouchedRow['action']>> = { c: 'create', u: 'update', p: 'update', d: 'delete', x: 'conflict' }

/** Shows every row that is to be written, or is undecided, and takes the verdicts over. */
export async function judgeRows(statements: TargetStatements, decided: readonly DecidedItem[], watch: RowWatch | undefined): Promise<readonly DecidedItem[]> {
  if (!watch) return decided
  const judged: DecidedItem[] = []
  for (const item of decided) {
    const { staged, fitted } = item
    let changed = false
    for await (const rows of pagesOf(statements, item, SHOWN)) {
      const verdicts = await watch.judge(fitted.live.entity, rows)
      for (const action of ['update', 'keep', 'conflict'] as const) {
        const lines = verdicts.filter((verdict) => verdict.action === action).map(({ line }: RowVerdict) => Math.trunc(line))
        if (lines.length === 0) continue
        changed = true
        const act = action === 'update' ? overwriting(fitted) : ACTION_CODE[action]
        await statements.run(
          'taking verdicts over',
          `UPDATE ${staged.actions} a STRAIGHT_JOIN ${staged.table} s ON s.${LINE} = a.line LEFT JOIN ${fitted.live.table} l ON ${sameKey(fitted, 'l', 's')}
           SET a.act = ${act} WHERE a.line IN (${lines.join(', ')})`,
        )
      }
    }
    judged.push(changed ? { ...item, counts: await countActions(statements, staged) } : item)
  }
  await watch.judged?.()
  return judged
}

/** Shows the rows as they were written. */
export async function showWritten(statements: TargetStatements, decided: readonly DecidedItem[], watch: RowWatch | undefined): Promise<void> {
  if (!watch) return
  for (const item of decided) for await (const rows of pagesOf(statements, item, TOUCHING)) await watch.written?.(item.fitted.live.entity, rows)
  await watch.settled?.()
}

async function* pagesOf(statements: TargetStatements, { staged, fitted }: DecidedItem, shown: string): AsyncGenerator<readonly TouchedRow[], void, undefined> {
  const { live } = fitted
  const keys = fitted.key.map(({ live: column }, at) => `${tokenSql(column, 's')} AS k${at}`)
  const values = live.mapped.map((column, at) => `${tokenSql(column, 'l')} AS l${at}`)
  const gone = `${columnOf('l', live.key[0]!.column)} <=> NULL AS gone`
  const sql = (after: number) => `SELECT a.line AS line, a.act AS act, ${[gone, ...keys, ...values].join(', ')}
    FROM ${staged.actions} a STRAIGHT_JOIN ${staged.table} s ON s.${LINE} = a.line LEFT JOIN ${live.table} l ON ${sameKey(fitted, 'l', 's')}
    WHERE a.act IN ${shown} AND a.line > ${after} ORDER BY a.line LIMIT ${PAGE_ROWS}`
  for (let after = 0; ;) {
    const rows = await statements.rows('showing the rows', sql(after))
    if (rows.length > 0) yield rows.map((row) => touched(row))
    if (rows.length < PAGE_ROWS) return
    after = Number(rows.at(-1)!.line)
  }

  function touched(row: TextRow): TouchedRow {
    return {
      line: Number(row.line),
      action: ACTIONS[row.act!]!,
      key: keyTextOf(fitted.key.map(({ live: column }, at) => recordToken(column, row[`k${at}`] ?? null))),
      live: row.gone === '1' ? null : lineOf(live.mapped, (at) => recordToken(live.mapped[at]!, row[`l${at}`] ?? null)),
    }
  }
}
