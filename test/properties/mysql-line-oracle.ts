import type { MysqlColumn, MysqlEntity } from '../../adapters/sql/mysql/catalog.ts'

/** The record line of a row of `columnsSql`, told value by value: what the transcoder is measured by. */
export function createLineOracle(entity: MysqlEntity): (row: readonly (Buffer | null)[]) => Buffer {
  const heads = entity.columns.map(({ path }, at) => `${at === 0 ? '{' : ','}${JSON.stringify(path)}:`)
  return (row) => {
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
