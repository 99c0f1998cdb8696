import type { FieldChange, RestoreSample } from '../../../../src/contracts/restore-target.ts'
import { dynamicEncoder } from '../../../../src/record/dynamic-codec.ts'
import type { StoredValue } from '../../../../src/record/stored-value.ts'
import type { SqliteConnection } from '../connection.ts'
import { exactSelect, exactValues } from '../row-select.ts'
import { ACTION } from './actions.ts'
import type { ItemPlan } from './item-plan.ts'

const SAMPLED = ['create', 'update', 'delete', 'keep', 'conflict'] as const

/** The first rows of each action, with what would change. */
export function readSamples(connection: SqliteConnection, plan: ItemPlan, perAction: number): RestoreSample[] {
  const { columns, staged, actions, table, sameKey } = plan
  const encoders = columns.map(({ affinity }) => dynamicEncoder(affinity))
  const list = exactSelect([...columns.map(({ stage }) => `s.${stage}`), ...columns.map(({ live }) => `l.${live}`)])
  const sql = `SELECT ${list} FROM ${actions} a CROSS JOIN ${staged} s ON s.n = a.n LEFT JOIN ${table} l ON ${sameKey} WHERE a.act = ? ORDER BY a.n LIMIT ?`

  const change = (at: number, live: StoredValue, record: StoredValue): FieldChange[] => {
    const { path, sensitive } = columns[at]!
    const tokens = [encoders[at]!(live), encoders[at]!(record)] as const
    if (tokens[0] === tokens[1]) return []
    if (sensitive) return [{ field: path, live: '•••', record: '•••' }]
    return [{ field: path, live: shown(tokens[0]), record: shown(tokens[1]) }]
  }
  return SAMPLED.flatMap((action) =>
    connection.rows(sql, [BigInt(ACTION[action]), BigInt(perAction)]).map((row): RestoreSample => {
      const values = exactValues(row, columns.length * 2)
      const record = values.slice(0, columns.length)
      const changes = action === 'create' || action === 'delete' ? [] : record.flatMap((value, at) => change(at, values[columns.length + at] ?? null, value))
      return { action, key: plan.keyText(record), changes }
    }),
  )
}

/** A plain JSON value, unless that would hide what the token says: `1.0` is shown as text. */
function shown(token: string): unknown {
  const value: unknown = JSON.parse(token)
  return JSON.stringify(value) === token ? value : token
}
