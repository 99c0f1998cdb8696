import type { EntityDescriptor, StoreMapping } from '../../../../src/contracts/entity-descriptor.ts'
import type { OpenTargetOptions } from '../../../../src/contracts/entity-store.ts'
import type {
  MergedEntity,
  MergeItem,
  MergeOptions,
  MergeReport,
  ReconcileOptions,
  ReconcileReport,
  RestoreItem,
  RestoreTarget,
  RowWatch,
  StageOptions,
  StageReport,
} from '../../../../src/contracts/restore-target.ts'
import { type AbortableOptions, throwIfAborted } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { describeEntities, type SqliteEntity } from '../catalog.ts'
import { openConnection, type SqliteConnection } from '../connection.ts'
import { databaseError } from '../database-error.ts'
import { quoteName } from '../quote.ts'
import { atOnce, inTurns, type Slices } from '../slices.ts'
import { isMemory, ormConnection, outsideTransaction, type SqliteLocation } from '../view-source.ts'
import { whenFree } from '../when-free.ts'
import { dropWorkTables } from './classify.ts'
import { lookupIndexes } from './foreign-keys.ts'
import { type ItemPlan, planItem } from './item-plan.ts'
import { assertUnchanged, lookAt, readDataVersion } from './live-look.ts'
import { checkLoadedTable, loadDirect } from './load-direct.ts'
import { advanceSequences, mergeStaged, type MergeWork } from './merge.ts'
import { createProblemList } from './problem-list.ts'
import { throttled } from './progress.ts'
import { reconcileItems, requiredColumns } from './reconcile.ts'
import { openStageFile, type StageFile } from './stage-file.ts'
import { type StagedRecords, stageRecords } from './stage-records.ts'
import { borrowedTransaction, ownTransaction } from './transaction.ts'
import { dropTriggers, recreateTriggers } from './triggers.ts'
import { uniqueIndexes } from './unique-clashes.ts'

export interface TargetOptions extends OpenTargetOptions {
  readonly store: string
  readonly mapping: StoreMapping
  readonly location: SqliteLocation
}

const SAMPLES = 5
const PROBLEM_LIMIT = 1000

interface DirectMerge {
  readonly progress: (entity: string, rows: number) => void
  readonly silenced: string[]
  readonly finish: (entities: readonly MergedEntity[]) => MergeReport
}

/**
 * Restores go through a connection of the lane's own, with work cut into slices between which the application runs. A database in memory has only the ORM's
 * connection: there, comparing and merging each happen in one go, because whatever the application did in between would be part of the transaction.
 */
export async function openSqliteTarget(options: TargetOptions): Promise<RestoreTarget> {
  const { location, store, mapping, signal, entities: selection } = options
  throwIfAborted(signal)
  const connection = isMemory(location.path) ? ormConnection(location) : await openConnection(location.driver, location.path, { signal })
  try {
    const schemaVersion = await whenFree(() => readSchemaVersion(connection), { signal })
    const entities = await whenFree(() => describeEntities(connection, { store, mapping, selection }), { signal })
    return new SqliteRestoreTarget(options, { entities, schemaVersion }, connection, await openStageFile(location, options.restoreId, options.resumes ?? null))
  } catch (error) {
    connection.close()
    throw databaseError(error, `opening a restore into ${location.path}`)
  }
}

class SqliteRestoreTarget implements RestoreTarget {
  readonly store: string
  readonly entities: readonly EntityDescriptor[]
  readonly #entities: readonly SqliteEntity[]
  readonly #connection: SqliteConnection
  readonly #stage: StageFile
  readonly #staged = new Set<SqliteEntity>()
  /** Changes with every change of the schema: what was described must still hold when it is written. */
  #schemaVersion: number
  /** As the last look found it; null before one. */
  #dataVersion: number | null = null
  readonly #looked = new Map<string, SqliteEntity>()
  #closed = false
  /** Not for a database in memory, where whatever the application does meanwhile is done by the same connection. */
  readonly look?: NonNullable<RestoreTarget['look']>

  constructor(
    { store, mapping, location }: Pick<TargetOptions, 'store' | 'mapping' | 'location'>,
    { entities, schemaVersion }: { readonly entities: readonly SqliteEntity[]; readonly schemaVersion: number },
    connection: SqliteConnection,
    stage: StageFile,
  ) {
    this.store = store
    this.entities = entities.map(({ descriptor }) => descriptor)
    this.#entities = entities
    this.#connection = connection
    this.#stage = stage
    this.#schemaVersion = schemaVersion
    if (!connection.own) return
    this.look = (selection, work, { signal } = {}) =>
      this.#guard('looking at the live rows', () =>
        ownTransaction(connection, { begin: 'BEGIN', signal, stagePath: stage.path }, async () => {
          this.#assertSchema()
          const found = describeEntities(connection, { store, mapping, selection })
          this.#dataVersion = readDataVersion(connection)
          for (const entity of found) this.#looked.set(entity.descriptor.name, entity)
          return work(lookAt(connection, found, location.path))
        }),
      )
  }

  isEmpty(entity: string, { signal }: AbortableOptions = {}): Promise<boolean> {
    return this.#guard(`looking at ${entity}`, () => {
      const { table, scope } = this.#entity(entity)
      // Its rows must be told from those of other tenants, which only staged records are.
      if (scope) return Promise.resolve(false)
      return whenFree(() => this.#connection.count(`SELECT EXISTS (SELECT 1 FROM main.${quoteName(table.name)})`) === 0, { signal })
    })
  }

  assertFits(items: readonly MergeItem[]): void {
    const lacking = items.flatMap((item) => {
      const plan = this.#plan(item)
      if (item.mode !== 'direct' || item.lines.rows === 0) return []
      return requiredColumns(plan).map(({ name }) => ({ entity: item.entity, table: plan.entity.table.name, column: name }))
    })
    if (lacking.length === 0) return
    throw new HoldfastError(
      'E_SCHEMA_DRIFT',
      `required by the live tables, without default, and not in the snapshot: ${lacking.map(({ table, column }) => `${table}.${column}`).join(', ')}`,
      {
        details: { lacking },
      },
    )
  }

  stage(item: RestoreItem, options: StageOptions = {}): Promise<StageReport> {
    return this.#guard(`staging ${item.entity}`, async () => ({ entity: item.entity, ...(await this.#load(item, options)) }))
  }

  reconcile(
    items: readonly RestoreItem[],
    { signal, watch, samples = SAMPLES, problemLimit = PROBLEM_LIMIT }: ReconcileOptions = {},
  ): Promise<ReconcileReport> {
    return this.#guard('comparing records with live rows', async () => {
      this.#assertWaits(watch)
      const plans = items.map((item) => this.#stagedPlan(item))
      return this.#transaction('BEGIN', signal, plans, () => reconcileItems(this.#connection, plans, { samples, problems: problemLimit, watch }))
    })
  }

  merge(items: readonly MergeItem[], options: MergeOptions): Promise<MergeReport> {
    return this.#guard('merging', async () => {
      this.#assertWaits(options.watch)
      const progress = throttled(options.onProgress)
      const silenced: string[] = []
      // Lines come from afar, which only a connection of our own can wait for with a transaction open. And one staged item can refer to another, so all or none.
      const direct = this.#connection.own && items.length > 0 && items.every(({ mode }) => mode === 'direct')
      if (!direct) for (const item of items) if (item.mode === 'direct') await this.#stageDirect(item, options)
      const plans = items.map((item) => (direct ? this.#plan(item) : this.#stagedPlan(item)))
      const { sequences, signal, problemLimit = PROBLEM_LIMIT } = options
      const work = { plans, sequences, problemLimit, onProgress: progress.report, watch: options.watch }
      const finish = (entities: readonly MergedEntity[]): MergeReport => {
        if (plans.some(({ entity }) => entity.table.foreignKeys.length > 0))
          silenced.push('foreign keys, in the connection of the restore; those of the rows written were checked before the commit')
        const report = { entities, silenced }
        options.beforeCommit?.(report)
        return report
      }
      const report = direct
        ? await this.#mergeDirect(plans, options, { progress: progress.report, silenced, finish })
        : await this.#transaction('BEGIN IMMEDIATE', signal, plans, () => this.#mergeStaged(work, silenced, finish))
      progress.flush()
      return report
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      this.#connection.close()
    } catch {
      // A connection that is lost cannot be closed; its locks went with it.
    }
    try {
      this.#stage.close()
    } catch {
      // What cannot be removed now is swept by the next restore.
    }
  }

  async #guard<T>(doing: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new HoldfastError('E_STORE_FAILED', `the restore into "${this.store}" is closed`)
    try {
      return await work()
    } catch (error) {
      throw databaseError(error, doing)
    }
  }

  /** The ORM's own connection cannot be kept waiting in a transaction: the application would be in it. */
  #assertWaits(watch: RowWatch | undefined): void {
    if (!watch || this.#connection.own) return
    throw new HoldfastError('E_CAPABILITY', `the rows of "${this.store}" cannot be gone through one by one: it is a database in memory`, {
      hint: 'Plans, undo and resolvers need a database in a file. Restore without them, or look with `dryRun`.',
    })
  }

  #entity(name: string): SqliteEntity {
    const entity = this.#entities.find(({ descriptor }) => descriptor.name === name)
    if (entity) return entity
    throw new HoldfastError('E_ENTITY_UNKNOWN', `"${name}" is not in this restore; it has ${this.entities.map((one) => one.name).join(', ')}`)
  }

  #plan(item: RestoreItem): ItemPlan {
    return planItem(item, this.#entity(item.entity))
  }

  /** The plan of an item whose records are staged. Its policy may be another by now. */
  #stagedPlan(item: RestoreItem): ItemPlan {
    if (!this.#staged.has(this.#entity(item.entity))) throw new HoldfastError('E_CONFIG', `"${item.entity}" is to be merged, but was not staged`)
    return this.#plan(item)
  }

  async #load(item: RestoreItem, options: StageOptions): Promise<StagedRecords> {
    const plan = this.#plan(item)
    this.#staged.delete(plan.entity)
    const indexes = await whenFree(() => [...new Set([...uniqueIndexes(plan), ...lookupIndexes(this.#connection, plan)])], options)
    const staged = await stageRecords(this.#stage, plan, indexes, options)
    this.#staged.add(plan.entity)
    return staged
  }

  async #stageDirect(item: RestoreItem, { signal }: AbortableOptions): Promise<void> {
    if (!(await this.isEmpty(item.entity, { signal }))) throw new HoldfastError('E_RESTORE_MOVED', `"${item.entity}" was empty and no longer is`)
    const { rows, problems: refused } = await this.#load(item, { signal })
    for (const problem of refused) {
      const problems = createProblemList(1)
      problems.add(problem)
      problems.refuse()
    }
    if (rows !== item.lines.rows) throw new HoldfastError('E_RECORD', `"${item.entity}" has ${rows} lines where ${item.lines.rows} were announced`)
  }

  /** Runs the slices in one transaction: in turns on our own connection, at once on the ORM's. */
  async #transaction<T>(begin: 'BEGIN' | 'BEGIN IMMEDIATE', signal: AbortSignal | undefined, plans: readonly ItemPlan[], slices: () => Slices<T>): Promise<T> {
    const connection = this.#connection
    const options = { begin, signal, stagePath: this.#stage.path }
    const whole = function* (this: SqliteRestoreTarget): Slices<{ readonly result: T; readonly schemaVersion: number }> {
      this.#assertSchema()
      const result = yield* slices()
      dropWorkTables(connection, plans)
      return { result, schemaVersion: readSchemaVersion(connection) }
    }.bind(this)
    const done = connection.own
      ? await ownTransaction(connection, options, async () => {
          await this.#assertUnchanged(plans, { signal })
          return inTurns(whole(), { signal })
        })
      : await outsideTransaction(connection, () => borrowedTransaction(connection, options, () => atOnce(whole())), { signal })
    this.#schemaVersion = done.schemaVersion
    return done.result
  }

  /** What was left out is as it was; from here on, the look is as new as this transaction. */
  async #assertUnchanged(plans: readonly ItemPlan[], options: AbortableOptions): Promise<void> {
    const items = plans.map(({ item }) => item)
    await assertUnchanged(this.#connection, this.#looked, items, this.#dataVersion, options)
    this.#dataVersion = readDataVersion(this.#connection)
  }

  *#mergeStaged(work: MergeWork, silenced: string[], finish: (entities: readonly MergedEntity[]) => MergeReport): Slices<MergeReport> {
    return finish(yield* this.#withoutTriggers(work.plans, silenced, () => mergeStaged(this.#connection, work)))
  }

  async #mergeDirect(plans: readonly ItemPlan[], options: MergeOptions, { progress, silenced, finish }: DirectMerge): Promise<MergeReport> {
    const connection = this.#connection
    const { signal, sequences, problemLimit = PROBLEM_LIMIT } = options
    const done = await ownTransaction(connection, { begin: 'BEGIN IMMEDIATE', signal, stagePath: this.#stage.path }, async () => {
      this.#assertSchema()
      const triggers = dropTriggers(connection, tablesOf(plans))
      const problems = createProblemList(problemLimit)
      const entities: MergedEntity[] = []
      for (const plan of plans) {
        const { entity } = plan.item
        const created = problems.isFull ? 0 : await loadDirect(connection, plan, problems, (rows) => progress(entity, rows), { signal })
        entities.push({ entity, created, updated: 0, identical: 0, kept: 0, absent: 0, failed: 0, deleted: 0 })
      }
      problems.refuse()
      for (const plan of plans) checkLoadedTable(connection, plan, problems)
      problems.refuse()
      advanceSequences(connection, plans, sequences)
      recreateTriggers(connection, triggers)
      silenced.push(...triggers.map(({ name, table }) => `trigger ${name} on ${table}`))
      return { report: finish(entities), schemaVersion: readSchemaVersion(connection) }
    })
    this.#schemaVersion = done.schemaVersion
    return done.report
  }

  *#withoutTriggers<T>(plans: readonly ItemPlan[], silenced: string[], work: () => Slices<T>): Slices<T> {
    const triggers = dropTriggers(this.#connection, tablesOf(plans))
    const result = yield* work()
    recreateTriggers(this.#connection, triggers)
    silenced.push(...triggers.map(({ name, table }) => `trigger ${name} on ${table}`))
    return result
  }

  #assertSchema(): void {
    if (readSchemaVersion(this.#connection) === this.#schemaVersion) return
    throw new HoldfastError('E_RESTORE_MOVED', 'the schema of the database was changed since the restore looked at it; nothing was written')
  }
}

/** Goes up with every change of the schema, whoever makes it. */
function readSchemaVersion(connection: SqliteConnection): number {
  return connection.count('PRAGMA main.schema_version')
}

function tablesOf(plans: readonly ItemPlan[]): readonly string[] {
  return plans.map(({ entity }) => entity.table.name)
}
