import type { RowWatch, TouchedRow } from '../../../../src/contracts/restore-target.ts'
import { dynamicEncoder } from '../../../../src/record/dynamic-codec.ts'
import { lineOf } from '../../line-of-tokens.ts'
import { quoteName } from '../quote.ts'
import type { SqliteConnection } from '../connection.ts'
import { exactSelect, exactValues } from '../row-select.ts'
import type { Slices } from '../slices.ts'
import { ACTION, WRITTEN } from './actions.ts'
import type { ItemPlan } from './item-plan.ts'

/** Rows shown at once. */
const PAGE_ROWS = 1000

const TOUCHING = `${WRITTEN.slice(0, -1)}, ${ACTION.delete})`
const SHOWN = `${TOUCHING.slice(0, -1)}, ${ACTION.conflict})`
const ACTIONS: Readonly<Record<number, TouchedRow['action']>> = {
  [ACTION.create]: 'create',
  [ACTION.update]: 'update',
  [ACTION.aside]: 'update',
  [ACTION.delete]: 'delete',
  [ACTION.conflict]: 'conflict',
}

/** Shows every row that is to be written, or is undecided, and takes the verdicts over. */
export function* judgeRows(connection: SqliteConnection, plans: readonly ItemPlan[], watch: RowWatch | undefined): Slices<void> {
  if (!watch) return
  for (const plan of plans) {
    for (const rows of pagesOf(connection, plan, SHOWN)) {
      let verdicts: Awaited<ReturnType<RowWatch['judge']>> = []
      yield watch.judge(plan.entity.descriptor, rows).then((said) => void (verdicts = said))
      for (const { line, action } of verdicts) connection.run(`UPDATE ${plan.actions} SET act = ${ACTION[action]} WHERE n = ?`, [BigInt(line)])
    }
  }
  if (watch.judged) yield watch.judged()
}

/** Shows the rows as they were written. */
export function* showWritten(connection: SqliteConnection, plans: readonly ItemPlan[], watch: RowWatch | undefined): Slices<void> {
  if (!watch) return
  for (const plan of plans) {
    for (const rows of pagesOf(connection, plan, TOUCHING)) if (watch.written) yield watch.written(plan.entity.descriptor, rows)
  }
  if (watch.settled) yield watch.settled()
}

function* pagesOf(connection: SqliteConnection, plan: ItemPlan, shown: string): Generator<readonly TouchedRow[], void, undefined> {
  const { actions, staged, table, sameKey, columns, entity, key } = plan
  const fields = entity.columns.map(({ path, column, affinity }) => ({ path, name: quoteName(column), encode: dynamicEncoder(affinity) }))
  const list = exactSelect([...columns.map(({ stage }) => `s.${stage}`), ...fields.map(({ name }) => `l.${name}`)])
  const sql = `SELECT a.n, a.act, l.${key[0]!.live} IS NULL, ${list} FROM ${actions} a CROSS JOIN ${staged} s ON s.n = a.n LEFT JOIN ${table} l ON ${sameKey}
    WHERE a.act IN ${shown} AND a.n > ? ORDER BY a.n LIMIT ${PAGE_ROWS}`
  for (let after = 0n; ;) {
    const rows = connection.rows(sql, [after])
    if (rows.length > 0) {
      yield rows.map((row) => {
        const values = exactValues(row, columns.length + fields.length, 3)
        const live = values.slice(columns.length)
        return {
          line: Number(row[0]),
          action: ACTIONS[Number(row[1])]!,
          key: plan.keyText(values),
          live: row[2] === 1n ? null : lineOf(fields, (at) => fields[at]!.encode(live[at] ?? null)),
        }
      })
    }
    if (rows.length < PAGE_ROWS) return
    after = rows.at(-1)![0] as bigint
  }
}
