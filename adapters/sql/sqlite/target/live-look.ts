import type { KeyRange } from '../../../../src/contracts/key-range.ts'
import type { LiveLook, MovedRanges, RestoreItem } from '../../../../src/contracts/restore-target.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { SqliteEntity } from '../catalog.ts'
import { checkRange } from '../check.ts'
import type { SqliteConnection } from '../connection.ts'
import { entityEvidence } from '../evidence.ts'
import { keyOrderName } from '../key-order.ts'
import { readBatches } from '../read-batches.ts'

/** What live tables hold, as a view would say it, inside a read transaction of the restore's own connection. */
export function lookAt(connection: SqliteConnection, entities: readonly SqliteEntity[], path: string): LiveLook {
  const entityOf = (name: string): SqliteEntity => {
    const entity = entities.find(({ descriptor }) => descriptor.name === name)
    if (!entity) throw new HoldfastError('E_ENTITY_UNKNOWN', `${name} is not looked at`)
    return entity
  }
  return {
    entities: entities.map(({ descriptor }) => descriptor),
    keyOrder: (name) => keyOrderName(entityOf(name)),
    evidence: async (name) => entityEvidence(entityOf(name), path),
    async *check(name, known, { signal } = {}) {
      for (const [index, one] of known.entries()) yield await checkRange(index, one, readBatches(connection, entityOf(name), one.range, { signal }))
    },
  }
}

/** Goes up whenever another connection has committed anything to the database: what this one saw before is old then. */
export function readDataVersion(connection: SqliteConnection): number {
  return connection.count('PRAGMA main.data_version')
}

/**
 * Ranges that were left out because live rows were as the records: are they still? They are when nobody else has committed since; which tables a commit touched, SQLite does not
 * tell. Call it inside the transaction that relies on them.
 *
 * @throws `E_RESTORE_MOVED` with all of them, in `details.moved`
 */
export function assertUnchanged(connection: SqliteConnection, items: readonly RestoreItem[], seen: number | null): void {
  const moved: MovedRanges[] = items.flatMap(({ entity, unchanged = [] }) =>
    unchanged.length === 0 ? [] : [{ entity, ranges: unchanged.map(({ range }): KeyRange => range) }],
  )
  if (moved.length === 0 || readDataVersion(connection) === seen) return
  throw new HoldfastError('E_RESTORE_MOVED', 'the database was written to since the restore found rows identical', { details: { moved } })
}
