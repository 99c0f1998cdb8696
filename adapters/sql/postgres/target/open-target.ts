import type { StoreMapping } from '../../../../src/contracts/entity-descriptor.ts'
import type { EntitySelection } from '../../../../src/contracts/entity-store.ts'
import type { RestoreItem, RestoreTarget, StageOptions } from '../../../../src/contracts/restore-target.ts'
import type { AbortableOptions } from '../../../../src/kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../../../../src/kernel/errors.ts'
import { describeEntities, type PostgresEntity } from '../catalog.ts'
import type { PostgresConnections } from '../connections.ts'
import { sqlState } from '../database-error.ts'
import type { SessionSettingOptions } from '../session-settings.ts'
import { fitRecords, type FittedItem } from './fit-record.ts'
import { lookAt } from './live-look.ts'
import { assertAllLines, assertWhole } from './load-direct.ts'
import { merge, type MergeParts } from './merge.ts'
import { readLiveTables } from './read-live-tables.ts'
import { reconcile } from './reconcile.ts'
import { rejected } from './refuse-merge.ts'
import { type RestoreLock, takeRestoreLock } from './restore-lock.ts'
import { stageRecords, type StagedRecords, stageTogether } from './stage-records.ts'
import { openStagingArea } from './staging-area.ts'
import { openTargetSession, type TargetTransaction } from './target-session.ts'

export interface OpenPostgresTargetOptions extends AbortableOptions, SessionSettingOptions {
  /** Name of the entity store. */
  readonly store: string
  readonly connections: PostgresConnections
  readonly mapping: StoreMapping
  readonly selection: readonly EntitySelection[]
  /** Names the staging area, so that an abandoned one can be told from a live one. */
  readonly restoreId: string
  /** As in `OpenTargetOptions`. */
  readonly resumes?: string | undefined
  /** Bytes of records loaded in one transaction. Default 64 MiB: none stays open so long that it holds VACUUM of the live tables back. */
  readonly segmentBytes?: number
}

/**
 * Opens the way back into a PostgreSQL database: resolves the entities, sweeps staging tables of restores that died, and claims those of this one.
 * Takes one connection of the pool until `close` (two behind a connection pooler).
 *
 * @throws What `describeEntities` throws; `E_HIDDEN_ROWS` where row-level security is in force for this role; `E_SESSION_FENCED` when a restore of
 *   the same id runs already; `E_STORE_FAILED`.
 */
export async function openPostgresTarget(options: OpenPostgresTargetOptions): Promise<RestoreTarget> {
  const { store, connections, mapping, selection, restoreId, resumes = null, signal } = options
  const session = await openTargetSession(connections, options)
  const held: { lock?: RestoreLock } = {}
  try {
    const parts = await session.transaction(
      async (tx) => {
        const entities = await describeEntities(tx.client, { store, mapping, selection, searchPath: session.server.searchPath })
        refuseHidden(entities)
        const known = { entities, tables: await readLiveTables(tx, entities), mayReplicate: await maySilenceEverything(tx) }
        const lock = (held.lock = await takeRestoreLock(tx, session, connections, restoreId))
        return { session, ...known, area: await openStagingArea(tx, session, { lock, restoreId, resumes }) }
      },
      { signal, ofCatalog: true },
    )
    return createTarget(store, mapping, parts, options.segmentBytes)
  } catch (error) {
    // The lock is the session's, and outlives the transaction. Whoever borrows the connection next must not have it.
    await held.lock?.release().catch(() => session.close(true))
    session.close()
    throw error
  }
}

function refuseHidden(entities: readonly PostgresEntity[]): void {
  const hidden = entities.filter((entity) => entity.hidden).map(({ descriptor }) => descriptor.name)
  if (hidden.length === 0) return
  throw new HoldfastError('E_HIDDEN_ROWS', `row-level security is in force for this role on ${hidden.join(', ')}`, { details: { entities: hidden } })
}

/** Superusers may, and roles that were granted the parameter (PostgreSQL 15) or a cloud's stand-in for superuser: asking is the only sure way. */
async function maySilenceEverything(tx: TargetTransaction): Promise<boolean> {
  const asking = 'asking for the right to silence triggers'
  const undo = 'ROLLBACK TO SAVEPOINT asking'
  try {
    await tx.rows(asking, `SAVEPOINT asking; SET LOCAL session_replication_role = replica; ${undo}`)
    return true
  } catch (error) {
    if (!isHoldfastError(error) || sqlState(error) !== '42501') throw error
    await tx.rows(asking, undo)
    return false
  }
}

function createTarget(
  store: string,
  mapping: StoreMapping,
  parts: Omit<MergeParts, 'staged' | 'looked' | 'checked'>,
  segmentBytes: number | undefined,
): RestoreTarget {
  const { session, area, tables, entities } = parts
  const staging = new Map<string, StagedRecords>()
  const looked = new Map<string, PostgresEntity>()
  /** By entity: how it was compared when no problem was found. */
  const sound = new Map<string, string>()
  const rulesOf = ({ policy, create, deleteExtra, leaveOut }: RestoreItem) => `${policy} ${create ?? true} ${deleteExtra ?? false} ${leaveOut?.join() ?? ''}`
  let closing: Promise<void> | undefined

  const stage = async (fitted: FittedItem, options: StageOptions) => {
    sound.clear()
    const { report, ...staged } = await stageRecords(session, area, fitted, { ...options, segmentBytes })
    staging.set(fitted.item.entity, staged)
    return report
  }

  const stageAll = async (items: readonly RestoreItem[], options: AbortableOptions = {}) => {
    sound.clear()
    const together = await stageTogether(session, area, fitRecords(items, tables), options)
    for (const { report, ...each } of together ?? []) staging.set(report.entity, each)
    return together?.map(({ report }) => report) ?? null
  }

  /** The policy may be another than when the records were staged. */
  const staged = (item: RestoreItem): StagedRecords => {
    const found = staging.get(item.entity)
    if (!found) throw new HoldfastError('E_CONFIG', `the records of ${item.entity} were not staged`)
    return { ...found, fitted: { ...found.fitted, item } }
  }

  return {
    store,
    entities: entities.map(({ descriptor }) => descriptor),
    comparesInMerge: true,

    async isEmpty(entity, options = {}) {
      const live = tables.find((table) => table.entity.name === entity)
      if (!live)
        throw new HoldfastError('E_ENTITY_UNKNOWN', `${entity} is not an entity of this restore target: ${tables.map((table) => table.entity.name).join(', ')}`)
      // Its rows must be told from those of other tenants, which only staged records are.
      if (live.own !== null) return false
      const rows = await session.transaction((tx) => tx.rows('looking whether the table is empty', `SELECT '1' AS one FROM ${live.table} LIMIT 1`), options)
      return rows.length === 0
    },

    look: (selection, work, options = {}) =>
      session.transaction(
        async (tx) => {
          const found = await describeEntities(tx.client, { store, mapping, selection, searchPath: session.server.searchPath })
          const result = await work(await lookAt(tx, session.server, found))
          for (const entity of found) looked.set(entity.descriptor.name, entity)
          return result
        },
        { ...options, characteristics: 'ISOLATION LEVEL REPEATABLE READ READ ONLY', ending: 'rollback' },
      ),

    assertFits(items) {
      const fitted = fitRecords(items, tables)
      assertWhole(fitted.filter((_, at) => items[at]!.mode === 'direct'))
    },

    stage: async (item, options = {}) => stage(fitRecords([item], tables)[0]!, options),

    ...(area.temporary ? { stageTogether: stageAll } : {}),

    async reconcile(items, options = {}) {
      fitRecords(items, tables)
      const report = await reconcile({ session, area, looked }, items.map(staged), options)
      if (report.problemCount > 0) sound.clear()
      else for (const item of items) sound.set(item.entity, rulesOf(item))
      return report
    },

    merge: (items, options) =>
      merge(
        {
          ...parts,
          looked,
          checked: items.every((item) => sound.get(item.entity) === rulesOf(item)),
          async staged(fitted) {
            // An item to be loaded directly is staged only when its foreign keys need a second pass.
            if (!staging.has(fitted.item.entity) && items.some(({ entity, mode }) => entity === fitted.item.entity && mode === 'direct')) {
              const { rows, problems } = await stage(fitted, { signal: options.signal })
              if (problems.length > 0) throw rejected(problems, problems.length)
              assertAllLines(fitted, rows)
            }
            return staged(fitted.item)
          },
        },
        items,
        options,
      ),

    close: () => (closing ??= closeTarget(parts)),
  }
}

/** What cannot be cleared, because the connection is lost, is swept when the next target is opened. */
async function closeTarget({ session, area }: Pick<MergeParts, 'session' | 'area'>): Promise<void> {
  try {
    await area.clear()
    session.close()
  } catch {
    session.close(true)
  }
}
