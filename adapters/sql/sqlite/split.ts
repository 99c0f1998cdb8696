import type { KeyRange } from '../../../src/contracts/key-range.ts'
import type { SqliteEntity } from './catalog.ts'
import type { SqliteConnection } from './connection.ts'
import { createKeyCodec } from './key-values.ts'
import { quoteName } from './quote.ts'

const EVERYTHING: readonly KeyRange[] = [{ from: null, to: null }]

/**
 * Rowids are cut into intervals of equal width between the first and the last, which is two looks at the tree. Other keys are left in one range: finding
 * where to cut them would mean stepping over all of them, and a SQLite view reads one range at a time anyway.
 */
export function splitKeys(connection: SqliteConnection, entity: SqliteEntity, parts: number): readonly KeyRange[] {
  const { rowidColumn, name } = entity.table
  if (parts <= 1 || rowidColumn === null) return EVERYTHING
  const column = quoteName(rowidColumn)
  const [[first, last] = []] = connection.rows(
    `SELECT (SELECT min(${column}) FROM main.${quoteName(name)}), (SELECT max(${column}) FROM main.${quoteName(name)})`,
  )
  if (typeof first !== 'bigint' || typeof last !== 'bigint') return EVERYTHING
  const width = last - first + 1n
  const count = width < BigInt(parts) ? width : BigInt(parts)
  const { text } = createKeyCodec(entity)
  const position = entity.order[0]!
  const cuts: (string | null)[] = [null]
  for (let part = 1n; part < count; part++) {
    const row: bigint[] = []
    row[position] = first + (width * part) / count
    cuts.push(text(row))
  }
  return cuts.map((from, at) => ({ from, to: cuts[at + 1] ?? null }))
}
