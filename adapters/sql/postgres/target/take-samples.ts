import type { FieldChange, RestoreSample } from '../../../../src/contracts/restore-target.ts'
import { ACTION_CODE } from '../../merge-action.ts'
import type { TextRow } from '../query.ts'
import type { DecidedItem } from './decide-actions.ts'
import type { FittedField } from './fit-record.ts'
import { keyColumns, keyOfRow } from './record-key.ts'
import { recordToken } from './record-token.ts'
import { columnOf, LINE, sameKey, textOf } from './row-sql.ts'
import type { TargetTransaction } from './target-session.ts'

const SAMPLED = ['create', 'update', 'delete', 'keep', 'conflict'] as const

/** Of each item the first records of each action, with what differs field by field. */
export async function takeSamples(tx: TargetTransaction, items: readonly DecidedItem[], limit: number): Promise<readonly (readonly RestoreSample[])[]> {
  const sampled = items.filter(({ counts }) => limit > 0 && SAMPLED.some((action) => counts[action] > 0))
  const found = await tx.all(
    'taking samples',
    sampled.map((item) => [samplesSql(item, limit)]),
  )
  return items.map((item) => (found[sampled.indexOf(item)] ?? []).map((row) => sampleOf(item, row)))
}

const comparedFields = ({ fitted }: DecidedItem) => fitted.fields.filter(({ written }) => written)

function samplesSql(item: DecidedItem, limit: number): string {
  const { staged, fitted, actions } = item
  const fields = comparedFields(item)
  const texts = (alias: string) => `to_json(ARRAY[${fields.map(({ column }) => textOf(columnOf(alias, column))).join(', ')}]::text[])`
  const first = SAMPLED.map(
    (action) => `(SELECT line, '${action}' AS act FROM ${actions} WHERE act = ${ACTION_CODE[action]} ORDER BY line LIMIT ${Math.trunc(limit)})`,
  )
  return `SELECT q.act, ${keyColumns(fitted, 's')}, ${texts('s')}::text AS record, CASE WHEN l.tableoid IS NOT NULL THEN ${texts('l')}::text END AS live
     FROM (${first.join(' UNION ALL ')}) q JOIN ${staged.table} s ON s.${LINE} = q.line LEFT JOIN ${fitted.live.table} l ON ${sameKey(fitted.live, 'l', 's')}
     ORDER BY q.line`
}

function sampleOf(item: DecidedItem, row: TextRow): RestoreSample {
  return {
    action: row.act as RestoreSample['action'],
    key: keyOfRow(item.fitted, row),
    changes: row.live === null || row.act === 'delete' ? [] : changes(comparedFields(item), row.live!, row.record!),
  }
}

function changes(fields: readonly FittedField[], liveJson: string, recordJson: string): readonly FieldChange[] {
  const [live, record] = [JSON.parse(liveJson) as (string | null)[], JSON.parse(recordJson) as (string | null)[]]
  return fields.flatMap((field, at) => {
    if (live[at] === record[at]) return []
    return [{ field: field.path, live: shown(field, live[at] ?? null), record: shown(field, record[at] ?? null) }]
  })
}

function shown(field: FittedField, text: string | null): unknown {
  return field.sensitive ? '•••' : JSON.parse(recordToken(field.record.type, text))
}
