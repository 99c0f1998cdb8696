import { HoldfastError, isHoldfastError } from '../../../src/kernel/errors.ts'
import { describeEntities, type DescribeOptions, type MysqlEntity } from './catalog.ts'
import { errorNumber } from './database-error.ts'
import { type BinlogFacts, readBinlogFacts } from './binlog.ts'
import { queryText } from './query.ts'
import { quoteTable } from './quote.ts'
import { withOwnerEntities } from './scope-sql.ts'
import type { MysqlSession } from './session.ts'

export interface SnapshotFacts {
  /** Database clock, ISO 8601 UTC with microseconds. */
  readonly at: string
  /** Where the snapshot stands in the binary log; null when that proves nothing. */
  readonly binlog: BinlogFacts | null
}

export interface FixedSnapshot {
  readonly entities: readonly MysqlEntity[]
  readonly snapshot: SnapshotFacts
}

const ATTEMPTS = 5

/** The table was rebuilt, dropped or truncated after the snapshot was taken. */
const REPLACED = new Set([1412, 1146, 1054])

/**
 * Takes the snapshot. All tables are touched right after it, which locks them against schema changes until the transaction ends. Between the two, somebody
 * may have changed one: a rebuilt or truncated table then says so, but a column that was added without a rebuild shows in the older snapshot as if it had
 * been there. So the schema is read before and after, and must be the same.
 */
export async function fixSnapshot(session: MysqlSession, options: DescribeOptions): Promise<FixedSnapshot> {
  let found = await describeEntities(session, options)
  for (let attempt = 1; ; attempt++) {
    const snapshot = await beginSnapshot(session)
    const touched = await touchAll(session, found)
    const entities = touched ? await describeEntities(session, options) : found
    if (touched && sameSchema(found, entities)) return { entities, snapshot }
    await queryText(session.client, 'ending a transaction', 'ROLLBACK')
    if (attempt === ATTEMPTS) {
      throw new HoldfastError('E_STORE_FAILED', 'tables of the view were altered each time it was being opened', {
        hint: 'Run again when the migration has ended.',
      })
    }
    found = await describeEntities(session, options)
  }
}

async function beginSnapshot(session: MysqlSession): Promise<SnapshotFacts> {
  const { client } = session
  await queryText(client, 'choosing the isolation level', 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
  await queryText(client, 'taking the snapshot', 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
  const [clock] = await queryText(client, 'asking the database for the time', `SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ') AS at`)
  return { at: clock?.at ?? '', binlog: await readBinlogFacts(session) }
}

/** False when a table is no longer the one that the snapshot saw. */
async function touchAll({ client }: MysqlSession, entities: readonly MysqlEntity[]): Promise<boolean> {
  try {
    for (const { schema, table } of withOwnerEntities(entities)) {
      await queryText(client, `locking ${schema}.${table} against schema changes`, `SELECT 1 FROM ${quoteTable(schema, table)} LIMIT 1`)
    }
    return true
  } catch (error) {
    if (isHoldfastError(error) && REPLACED.has(errorNumber(error) ?? 0)) return false
    throw error
  }
}

function sameSchema(before: readonly MysqlEntity[], after: readonly MysqlEntity[]): boolean {
  const now = withOwnerEntities(after)
  return withOwnerEntities(before).every((entity, place) => schemaOf(entity) === schemaOf(now[place]))
}

/** What must not change while an entity is read. */
export const schemaOf = (entity: MysqlEntity | undefined): string => `${entity?.created} ${entity?.columnsFingerprint} ${entity?.orderIndex}`
