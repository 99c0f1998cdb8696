import type { KeyText } from '../../../../src/contracts/key-range.ts'
import { keyTextOf } from '../../../../src/record/key-text.ts'
import type { TextRow } from '../query.ts'
import type { FittedItem } from './fit-record.ts'
import { recordToken, tokenSql } from './record-token.ts'

/** SELECT list of the key's values, read back by `keyOfRow` under the same prefix. */
export function keyColumns(fitted: FittedItem, alias: string, prefix = 'k'): string {
  return fitted.key.map(({ live }, at) => `${tokenSql(live, alias)} AS ${prefix}${at}`).join(', ')
}

/** The key text of a row that selected `keyColumns`; sensitive values hidden. */
export function keyOfRow(fitted: FittedItem, row: TextRow, prefix = 'k'): KeyText {
  return keyTextOf(fitted.key.map(({ live, sensitive }, at) => (sensitive ? '"•••"' : recordToken(live, row[`${prefix}${at}`] ?? null))))
}
