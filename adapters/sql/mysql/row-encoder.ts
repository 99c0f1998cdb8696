import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { MysqlColumn, MysqlEntity } from './catalog.ts'
import { losslessSql, valueSql } from './line-sql.ts'

/**
 * The select list of rows that are read column by column, for lines that the server cannot put together. Text comes in the character set of results,
 * utf8mb4; bytes as they are. The last column says whether all text has an exact Unicode form.
 */
export function columnsSql(entity: MysqlEntity, alias = 't'): string {
  const conditions = entity.columns.flatMap((column) => losslessSql(column, alias) ?? [])
  return [...entity.columns.map((column) => valueSql(column, alias)), conditions.length === 0 ? '1' : `(${conditions.join(' AND ')})`].join(', ')
}

/** Makes the record line of such a row: the same bytes as `lineSql`. */
export function createRowEncoder(entity: MysqlEntity): (row: readonly (Buffer | null)[]) => Buffer {
  const heads = entity.columns.map(({ path }, at) => `${at === 0 ? '{' : ','}${JSON.stringify(path)}:`)
  return (row) => {
    if (row[entity.columns.length]?.toString('latin1') !== '1') {
      throw new HoldfastError('E_RECORD', `${entity.descriptor.name}: a text holds bytes that its character set has no character for`, {
        hint: 'Back it up as bytes (BLOB), or correct the text.',
        details: { entity: entity.descriptor.name },
      })
    }
    const tokens = entity.columns.map((column, at) => heads[at]! + token(column, row[at] ?? null))
    return Buffer.from(`${tokens.join('')}}\n`, 'utf8')
  }
}

function token({ type, charset }: MysqlColumn, value: Buffer | null): string {
  if (value === null) return 'null'
  switch (type.kind) {
    case 'int':
    case 'float':
    case 'boolean':
      return value.toString('latin1')
    case 'bigint':
    case 'decimal':
      return `"${value.toString('latin1')}"`
    case 'timestamp':
      return `"${value.toString('latin1').replace(' ', 'T')}"`
    case 'bytes':
      return `"${value.toString('base64')}"`
    case 'jsonb':
      return `[${value.toString('utf8')}]`
    case 'text':
      return charset === null ? `"${value.toString('latin1')}"` : JSON.stringify(value.toString('utf8'))
    case 'array':
    case 'dynamic':
      throw new RangeError(`MySQL has no ${type.kind}`)
  }
}
