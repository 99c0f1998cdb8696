import type { FieldChange, RestoreSample } from '../../../../src/contracts/restore-target.ts'
import { ACTION_CODE } from '../../merge-action.ts'
import type { TextRow } from '../query.ts'
import type { DecidedItem } from './decide-actions.ts'
import type { FittedField } from './fit-record.ts'
import { keyColumns, keyOfRow } from './record-key.ts'
import { recordToken, tokenSql } from './record-token.ts'
import { LINE, sameKey } from './row-sql.ts'
import type { TargetStatements } from './target-session.ts'

const CODES = {
  create: ACTION_CODE.create,
  update: `${ACTION_CODE.update}, ${ACTION_CODE.swap}`,
  delete: ACTION_CODE.delete,
  keep: ACTION_CODE.keep,
  conflict: ACTION_CODE.conflict,
} as const

/** The first records of each action, with what differs field by field. */
export async function takeSamples(statements: TargetStatements, { staged, fitted }: DecidedItem, limit: number): Promise<readonly RestoreSample[]> {
  const fields = fitted.fields.filter(({ written }) => written)
  const texts = (alias: string) => fields.map(({ live }, at) => `${tokenSql(live, alias)} AS ${alias}${at}`).join(', ')
  const first = Object.entries(CODES).map(
    ([action, codes]) => `(SELECT line, '${action}' AS act FROM ${staged.actions} WHERE act IN (${codes}) ORDER BY line LIMIT ${Math.trunc(limit)})`,
  )
  const rows = await statements.rows(
    'taking samples',
    `SELECT q.act AS act, ${keyColumns(fitted, 's')}, ${texts('s')}, ${texts('l')} FROM (${first.join(' UNION ALL ')}) q JOIN ${staged.table} s ON s.${LINE} = q.line
     LEFT JOIN ${fitted.live.table} l ON ${sameKey(fitted, 'l', 's')} ORDER BY q.line`,
  )
  return rows.map((row) => ({
    action: row.act as RestoreSample['action'],
    key: keyOfRow(fitted, row),
    changes: row.act === 'create' || row.act === 'delete' ? [] : changes(fields, row),
  }))
}

function changes(fields: readonly FittedField[], row: TextRow): readonly FieldChange[] {
  return fields.flatMap((field, at) => {
    const [live, record] = [row[`l${at}`] ?? null, row[`s${at}`] ?? null]
    return live === record ? [] : [{ field: field.path, live: shown(field, live), record: shown(field, record) }]
  })
}

function shown({ live, sensitive }: FittedField, text: string | null): unknown {
  return sensitive ? '•••' : JSON.parse(recordToken(live, text))
}
