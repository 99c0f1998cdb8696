import type { EntityEstimate } from '../../../src/contracts/consistent-view.ts'
import type { SqliteEntity } from './catalog.ts'
import type { SqliteConnection } from './connection.ts'
import { scopeCondition } from './scope-sql.ts'
import { quoteName } from './quote.ts'

const SAMPLE = 200

/** Rows are counted, which reads the smallest index once. Bytes are those of record lines, after the first rows of the table. */
export function estimateEntity(connection: SqliteConnection, entity: SqliteEntity): EntityEstimate {
  const scope = scopeCondition(entity)
  const table = `main.${quoteName(entity.table.name)} AS t${scope === null ? '' : ` WHERE ${scope}`}`
  const names = entity.columns.map(({ column }) => quoteName(column))
  const rows = connection.count(`SELECT count(*) FROM ${table}`)
  const values = names.map((name) => `coalesce(octet_length(${name}), 4)`).join(' + ')
  const average = connection.count(`SELECT CAST(avg(bytes) AS INTEGER) FROM (SELECT ${values} AS bytes FROM ${table} LIMIT ${SAMPLE})`)
  // Names, quotes, colons and commas; then the brace and the line break.
  const frame = entity.columns.reduce((sum, { path }) => sum + Buffer.byteLength(JSON.stringify(path)) + 3, 3)
  return { entity: entity.descriptor.name, rows, bytes: rows * (average + frame) }
}
