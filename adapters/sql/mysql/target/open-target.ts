import type { StoreMapping } from '../../../../src/contracts/entity-descriptor.ts'
import type { EntitySelection } from '../../../../src/contracts/entity-store.ts'
import type { RestoreTarget } from '../../../../src/contracts/restore-target.ts'
import type { AbortableOptions } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { describeEntities, type MysqlEntity } from '../catalog.ts'
import type { MysqlConnections } from '../connections.ts'
import { assertWhole, fitRecords, type FittedItem, liveTableOf } from './fit-record.ts'
import { lookAt } from './live-look.ts'
import { merge, type MergeParts } from './merge.ts'
import { readLiveTables } from './read-live-tables.ts'
import { reconcile } from './reconcile.ts'
import { openRowChannel } from './row-channel.ts'
import { stageRecords, type StagedRecords } from './stage-records.ts'
import { openStagingArea, type StagingArea } from './staging-area.ts'
import { openTargetSession } from './target-session.ts'
import { assertTriggersSeen } from './trigger-rights.ts'

export interface OpenMysqlTargetOptions extends AbortableOptions {
  /** Name of the entity store. */
  readonly store: string
  readonly connections: MysqlConnections
  readonly mapping: StoreMapping
  readonly selection: readonly EntitySelection[]
  /** Names the staging area, so that an abandoned one can be told from a live one. */
  readonly restoreId: string
  /** As in `OpenTargetOptions`. */
  readonly resumes?: string | undefined
  readonly lockTimeoutMs?: number | undefined
}

/**
 * Opens the way back into a MySQL or MariaDB database: resolves the entities, drops staging tables of restores that died, or takes them over to go on with them, and claims the names of this one.
 * Takes one connection of the pool until `close`, and one more for a moment to cancel.
 *
 * @throws What `describeEntities` throws; `E_CAPABILITY` for tables that are not kept by InnoDB, which cannot be rolled back, and for system-versioned ones; `E_PERMISSION` without the right to
 *   see triggers; `E_SESSION_FENCED` when a restore of the same id runs already; `E_STORE_FAILED`.
 */
export async function openMysqlTarget(options: OpenMysqlTargetOptions): Promise<RestoreTarget> {
  const { store, connections, mapping, selection, restoreId, resumes = null, signal } = options
  const session = await openTargetSession(connections, options)
  try {
    const { tables, channel } = await session.statements(
      async (statements) => {
        const entities = await describeEntities(session.session, { store, mapping, selection })
        assertTransactional(entities)
        await assertTriggersSeen(statements, session.server, entities)
        return { tables: await readLiveTables(statements, session.server, entities), channel: await openRowChannel(statements) }
      },
      { signal },
    )
    const area = await openStagingArea(session, restoreId, resumes)
    return createTarget(area, { store, mapping, session, channel, tables })
  } catch (error) {
    await session.close(true)
    throw error
  }
}

function assertTransactional(entities: readonly MysqlEntity[]): void {
  const versioned = entities.filter((entity) => entity.versioned).map(({ schema, table }) => `${schema}.${table}`)
  if (versioned.length > 0) {
    throw new HoldfastError(
      'E_CAPABILITY',
      `system-versioned tables cannot be restored, because the server would add to their history: ${versioned.join(', ')}`,
      {
        hint: 'ALTER TABLE … DROP SYSTEM VERSIONING for the time of the restore, or leave these entities out.',
        details: { tables: versioned },
      },
    )
  }
  const others = entities.filter(({ transactional }) => !transactional)
  if (others.length === 0) return
  const named = others.map(({ schema, table, engine }) => `${schema}.${table} (${engine})`).join(', ')
  throw new HoldfastError('E_CAPABILITY', `tables of another engine than InnoDB cannot be restored, because nothing rolls them back: ${named}`, {
    hint: 'ALTER TABLE … ENGINE=InnoDB, or leave these entities out.',
    details: { tables: others.map(({ schema, table, engine }) => ({ table: `${schema}.${table}`, engine })) },
  })
}

function createTarget(area: StagingArea, parts: Omit<MergeParts, 'staged' | 'looked'>): RestoreTarget {
  const { store, mapping, session, channel, tables } = parts
  const staging = new Map<string, StagedRecords>()
  const looked = new Map<string, MysqlEntity>()
  let closing: Promise<void> | undefined

  /** The policy may be another than when the records were staged. */
  const staged = ({ item }: Pick<FittedItem, 'item'>): StagedRecords => {
    const found = staging.get(item.entity)
    if (!found) throw new HoldfastError('E_CONFIG', `the records of ${item.entity} were not staged`)
    return { ...found, fitted: { ...found.fitted, item } }
  }

  return {
    store,
    entities: tables.map(({ entity }) => entity),

    async isEmpty(entity, options = {}) {
      const { table, own } = liveTableOf(entity, tables)
      // Its rows must be told from those of other tenants, which only staged records are.
      if (own !== null) return false
      const rows = await session.statements(({ rows: ask }) => ask('looking whether the table is empty', `SELECT 1 AS one FROM ${table} LIMIT 1`), options)
      return rows.length === 0
    },

    look: (selection, work, options = {}) =>
      lookAt(
        session,
        { store, mapping, selection },
        async (live, found) => {
          const result = await work(live)
          for (const entity of found) looked.set(entity.descriptor.name, entity)
          return result
        },
        options,
      ),

    assertFits(items) {
      const fitted = fitRecords(items, tables)
      assertWhole(fitted.filter((_, at) => items[at]!.mode === 'direct'))
    },

    async stage(item, options = {}) {
      const { report, ...records } = await stageRecords(session, area, channel, fitRecords([item], tables)[0]!, options)
      staging.set(item.entity, records)
      return report
    },

    async reconcile(items, options = {}) {
      fitRecords(items, tables)
      return reconcile(
        { session, looked },
        items.map((item) => staged({ item })),
        options,
      )
    },

    merge: (items, options) => merge({ ...parts, looked, staged }, items, options),

    close: () => (closing ??= closeTarget(area, parts)),
  }
}

/** What cannot be cleared, because the connection is lost, is swept when the next target is opened. */
async function closeTarget(area: StagingArea, { session }: Pick<MergeParts, 'session'>): Promise<void> {
  try {
    await area.clear()
    await session.close()
  } catch {
    await session.close(true)
  }
}
