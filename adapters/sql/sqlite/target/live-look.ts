import type { KeyRange } from '../../../../src/contracts/key-range.ts'
import type { LiveLook, MovedRanges, RestoreItem } from '../../../../src/contracts/restore-target.ts'
import type { AbortableOptions } from '../../../../src/kernel/abort.ts'
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

/** Records that are read once more under the lock, at most; about a second. */
const RECHECKED_ROWS = 100_000

/**
 * Ranges that were left out because live rows were as the records: are they still? They are when nobody else has committed since `seen`. When somebody has, which tables it was SQLite
 * does not tell: then a small number of rows is read once more. Call it inside the transaction that relies on them.
 *
 * @throws `E_RESTORE_MOVED` with those that are not, or may not be, in `details.moved`
 */
export async function assertUnchanged(
  connection: SqliteConnection,
  looked: ReadonlyMap<string, SqliteEntity>,
  items: readonly RestoreItem[],
  seen: number | null,
  { signal }: AbortableOptions,
): Promise<void> {
  const asked = items.flatMap(({ entity, unchanged = [] }) => (unchanged.length === 0 ? [] : [{ entity, unchanged }]))
  if (asked.length === 0 || readDataVersion(connection) === seen) return
  const rows = asked.reduce((sum, { unchanged }) => unchanged.reduce((all, range) => all + range.rows, sum), 0)
  const moved: MovedRanges[] = []
  for (const { entity, unchanged } of asked) {
    const ranges: KeyRange[] = []
    for (const known of unchanged) {
      const same =
        rows <= RECHECKED_ROWS && (await checkRange(0, known, readBatches(connection, looked.get(entity)!, known.range, { signal }))).state === 'unchanged'
      if (!same) ranges.push(known.range)
    }
    if (ranges.length > 0) moved.push({ entity, ranges })
  }
  if (moved.length === 0) return
  throw new HoldfastError('E_RESTORE_MOVED', 'the database was written to since the restore found rows identical', { details: { moved } })
}
