import type { SequenceState } from '../../../src/contracts/consistent-view.ts'
import type { SqliteEntity } from './catalog.ts'
import type { SqliteConnection } from './connection.ts'
import { quoteName } from './quote.ts'

/** The counters of AUTOINCREMENT tables. A rowid without that keyword has none: SQLite takes the greatest there is, plus one. */
export function readSequences(connection: SqliteConnection, entities: readonly SqliteEntity[]): readonly SequenceState[] {
  return entities.flatMap((entity) => {
    const field = sequenceField(entity)
    if (field === undefined) return []
    const last = connection.value('SELECT seq FROM main.sqlite_sequence WHERE name = ?', [entity.table.name])
    return [{ entity: entity.descriptor.name, field, lastValue: typeof last === 'bigint' ? `${last}` : null }]
  })
}

/** Moves the counter of a table to at least `lastValue` and at least its greatest rowid; never back. */
export function advanceSequence(connection: SqliteConnection, entity: SqliteEntity, lastValue: string | null): void {
  if (sequenceField(entity) === undefined) return
  const { name, rowidColumn } = entity.table
  const saved = lastValue !== null && /^-?[0-9]{1,19}$/.test(lastValue) ? BigInt.asIntN(64, BigInt(lastValue)) : 0n
  const greatest = connection.value(`SELECT max(${quoteName(rowidColumn!)}) FROM main.${quoteName(name)}`)
  const wanted = typeof greatest === 'bigint' && greatest > saved ? greatest : saved
  if (connection.run('UPDATE main.sqlite_sequence SET seq = ? WHERE name = ? AND seq < ?', [wanted, name, wanted]) > 0) return
  if (wanted > 0n && connection.count('SELECT count(*) FROM main.sqlite_sequence WHERE name = ?', [name]) === 0) {
    connection.run('INSERT INTO main.sqlite_sequence (name, seq) VALUES (?, ?)', [name, wanted])
  }
}

function sequenceField({ table, columns }: SqliteEntity): string | undefined {
  return table.autoincrement ? columns.find(({ column }) => column === table.rowidColumn)?.path : undefined
}
