import type { StoreMapping } from '../../../src/contracts/entity-descriptor.ts'
import type { EntityStore } from '../../../src/contracts/entity-store.ts'
import { describeEntities } from './catalog.ts'
import type { MysqlConnections } from './connections.ts'
import type { MigrationTable } from './migrations.ts'
import { replicationLag } from './replication-lag.ts'
import { openSession } from './session.ts'
import { openMysqlTarget } from './target/open-target.ts'
import { openMysqlView } from './view.ts'

export interface MysqlStoreOptions {
  /** Unique among the stores of the application. */
  readonly name: string
  /** Which ORM and version: `typeorm 1.1.1`. */
  readonly orm: string
  readonly mapping: StoreMapping
  readonly connections: MysqlConnections
  /** Where the ORM keeps the names of applied migrations. Default: none are recorded. */
  readonly migrations?: MigrationTable | undefined
  /** Milliseconds that a view waits for a table while a schema change holds it, and a restore for rows that are locked, to whole seconds. Default 60 000; 0 waits for ever. */
  readonly lockTimeoutMs?: number
}

/** An entity store over MariaDB 10.5 or MySQL 8.0 or later, for any ORM that gives its mapping and its pool. */
export function createMysqlStore(options: MysqlStoreOptions): EntityStore {
  const { name, orm, mapping, connections, migrations, lockTimeoutMs } = options
  return {
    name,
    orm,
    mapping,
    dialect: 'mysql',
    async describe(selection, { signal } = {}) {
      const session = await openSession(connections, { lockTimeoutMs, signal })
      try {
        const entities = await describeEntities(session, { store: name, mapping, selection })
        return entities.map(({ descriptor }) => descriptor)
      } finally {
        await session.release()
      }
    },
    openView: ({ entities, pace, signal }) =>
      openMysqlView({ store: name, mapping, connections, migrations, selection: entities, lockTimeoutMs, pace, signal }),
    replicationLag: (call) => replicationLag(connections, call),
    openTarget: ({ entities, restoreId, resumes, signal }) =>
      openMysqlTarget({ store: name, mapping, connections, selection: entities, restoreId, resumes, lockTimeoutMs, signal }),
  }
}
