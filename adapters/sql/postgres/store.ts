import type { StoreMapping } from '../../../src/contracts/entity-descriptor.ts'
import type { EntityStore } from '../../../src/contracts/entity-store.ts'
import { describeEntities } from './catalog.ts'
import type { PostgresConnections } from './connections.ts'
import type { MigrationTable } from './migrations.ts'
import { queryText } from './query.ts'
import { createReplicationLag } from './replication-lag.ts'
import { inspectServer } from './server.ts'
import { pinSettings } from './session-settings.ts'
import { openPostgresTarget } from './target/open-target.ts'
import { openPostgresView } from './view.ts'

export interface PostgresStoreOptions {
  /** Unique among the stores of the application. */
  readonly name: string
  /** Which ORM and version: `typeorm 1.1.1`. */
  readonly orm: string
  readonly mapping: StoreMapping
  readonly connections: PostgresConnections
  /** Where the ORM keeps the names of applied migrations. Default: none are recorded. */
  readonly migrations?: MigrationTable | undefined
  /** Milliseconds that a view waits for the tables while a schema change or TRUNCATE holds them. Default 60 000; 0 waits for ever. */
  readonly lockTimeoutMs?: number
}

/** An entity store over PostgreSQL 13 or later, for any ORM that gives its mapping and its pool. */
export function createPostgresStore(options: PostgresStoreOptions): EntityStore {
  const { name, orm, mapping, connections, migrations, lockTimeoutMs } = options
  const limits = lockTimeoutMs === undefined ? {} : { lockTimeoutMs }
  return {
    name,
    orm,
    mapping,
    dialect: 'postgres',
    async describe(selection, { signal } = {}) {
      const connection = await connections.acquire({ signal })
      let clean = false
      try {
        const server = await inspectServer(connection.client)
        await queryText(connection.client, 'beginning a transaction', `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${pinSettings(server, limits)}`)
        const entities = await describeEntities(connection.client, { store: name, mapping, selection, searchPath: server.searchPath })
        await queryText(connection.client, 'ending a transaction', 'ROLLBACK')
        clean = true
        return entities.map(({ descriptor }) => descriptor)
      } finally {
        connection.release(!clean)
      }
    },
    openView: ({ entities, parallel = 1, pace, signal }) =>
      openPostgresView({ store: name, mapping, connections, migrations, selection: entities, parallel, pace, signal, ...limits }),
    openTarget: ({ entities, restoreId, resumes, signal }) =>
      openPostgresTarget({ store: name, mapping, connections, selection: entities, restoreId, resumes, signal, ...limits }),
    replicationLag: createReplicationLag(connections),
  }
}
