import type { KeyText } from '../../../../src/contracts/key-range.ts'
import { keyTextOf } from '../../../../src/record/index.ts'
import type { TextRow } from '../query.ts'
import type { FittedItem } from './fit-record.ts'
import { recordToken } from './record-token.ts'
import { columnOf, textOf } from './row-sql.ts'

/** SELECT list of the key's output texts, read back by `keyOfRow` under the same prefix. */
export function keyColumns(fitted: FittedItem, alias: string, prefix = 'k'): string {
  return fitted.key.map(({ column }, at) => `${textOf(columnOf(alias, column))} AS ${prefix}${at}`).join(', ')
}

/** The key text of a row that selected `keyColumns`; sensitive values hidden. */
export function keyOfRow(fitted: FittedItem, row: TextRow, prefix = 'k'): KeyText {
  return keyTextOf(fitted.key.map(({ record, sensitive }, at) => (sensitive ? '"•••"' : recordToken(record.type, row[`${prefix}${at}`] ?? null))))
}
