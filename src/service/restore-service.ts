import type { RepositoryScope, RestoreLog } from '../archive/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { HookRuns } from '../hooks/index.ts'
import type { HookSets } from './hook-sets.ts'
import type { Logger } from '../contracts/logger.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import type { SchemaChange, SchemaChanges } from '../evolution/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { MaskRules } from '../masking/index.ts'
import type { Clock } from '../kernel/clock.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { assertNoted } from '../kernel/noted-text.ts'
import {
  type AppliedBy,
  type ApplyOptions,
  checkPlanOptions,
  checkRequest,
  keepRestore,
  plannedRows,
  type PlanOptions,
  planRecorder,
  planWatcher,
  type RestoreDependencies,
  type RestoreDiagnostics,
  type RestorePlan,
  type RestoreRequest,
  type RestoreResult,
  type RestoreSession,
  type ReplayRequest,
  type StoredDiagnostics,
  startRestore,
  type StoredPlan,
  storedPlan,
  startUndo,
  type UndoRequest,
} from '../restore/index.ts'
import type { IBackupPlanRegistry } from '../plan/index.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import type { IDataRestoreService } from './data-restore-service.ts'
import type { NamedRestores } from './named-restores.ts'
import { findKept, type Kept, known, ofToday } from './kept-restores.ts'
import { keptWith } from './kept-with.ts'
import { ownedManifest, ownedToday } from './owned-rows.ts'
import { isUndone, noteUndone } from './replay-history.ts'
import { type Replaying, startReplay } from './replay-restore.ts'
import { RecentSessions } from './recent-sessions.ts'
import { restorableSnapshots } from './restorable-snapshots.ts'
import { pinSnapshot } from './pin-snapshot.ts'
import { selectRecords } from '../selection/index.ts'
import { plainRequest, readRecord, snapshotIdOf, withSelection } from './restore-selection.ts'
import { isByRow, liveStoresOf } from './scoped-stores.ts'
import { findSnapshot } from './snapshot-finder.ts'

/** Restores that a history tells of when it is not said. */
const HISTORY_LIMIT = 100

/** What a restore is besides its request. */
interface StartOptions extends Pick<RestoreDependencies, 'watch' | 'applies' | 'finish'> {
  readonly replaying?: Replaying
}

/** The service, and what the application's owner needs to stop it. */
export interface RestoreService extends IDataRestoreService {
  readonly recent: RecentSessions<RestoreSession>
  /** Resolves when the restores that have ended have let go of their snapshots. */
  released(): Promise<void>
}

export interface RestoreServiceOptions {
  readonly schema: SchemaChanges
  /** The same with more changes behind them. */
  readonly schemaWith: (more: readonly SchemaChange[]) => SchemaChanges
  readonly masking: MaskRules | undefined
  readonly named: NamedRestores
  readonly repositories: BucketRepositories
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly plans: IBackupPlanRegistry
  readonly hooks: HookSets
  readonly clock: Clock
  readonly logger: Logger
}

export function createRestoreService({
  repositories,
  stores,
  plans,
  hooks,
  schema,
  schemaWith,
  masking,
  named,
  clock,
  logger,
}: RestoreServiceOptions): RestoreService {
  const recent = new RecentSessions<RestoreSession>()
  const releasing = new Set<Promise<void>>()

  const hooksOf = (planId: string) => new HookRuns({ sets: hooks.of(planId), clock, logger })

  /** The pin goes when the session has ended; that it is gone, `released` waits for. */
  function releaseAtEnd(session: RestoreSession, release: () => Promise<void>): void {
    const released = session
      .result()
      .then(release, release)
      .finally(() => releasing.delete(released))
    releasing.add(released)
  }

  async function startWatched(asked: RestoreRequest, { replaying, ...more }: StartOptions, options: AbortableOptions = {}): Promise<RestoreSession> {
    // A `dryRun` that went astray into the options must not write.
    assertKnownOptions(options, ['signal'], 'beside its request a restore')
    checkRequest(asked)
    const { signal } = options
    return recent.begin(async () => {
      const request = plainRequest(asked)
      const { scope: tenant, targetScope = tenant ?? null } = asked
      const snapshotId = await snapshotIdOf(repositories, asked.snapshot, { scope: tenant, signal })
      const { repository, manifest: found } = await findSnapshot(repositories, snapshotId, { scope: tenant, signal })
      const manifest = ownedManifest(found, { plans, stores, schema })
      const live = await liveStoresOf({ planId: manifest.plan.id, tenant: targetScope, byRow: isByRow(manifest) }, stores, plans)
      const bucket = async (name: string) => (await repositories.existing(name, { signal })).scope(manifest.scope)
      const chunks = async (name: string) => (await bucket(name)).chunks
      const selecting = replaying
        ? selectRecords({ manifest, chunks, records: replaying.records, entities: replaying.entities, signal })
        : withSelection(manifest, request, { bucket, stores: live, schema }, { signal })
      selecting.catch(() => {}) // reported once the pin stands, without which nothing goes on
      const release = await pinSnapshot(repository.scope(manifest.scope), manifest.snapshotId, logger, { signal })
      try {
        const selected = await selecting
        const session = startRestore(request, {
          ...more,
          ...selected,
          ...(replaying ? { replays: replaying.replays, triedBefore: replaying.triedBefore } : {}),
          readRecord,
          whole: manifest,
          repository: keptWith(repository, manifest, targetScope),
          bucket,
          stores: live,
          schema: replaying ? schemaWith(replaying.changes) : schema,
          masking,
          hooks: hooksOf(manifest.plan.id),
          clock,
          logger,
          signal,
        })
        releaseAtEnd(session, release)
        return session
      } catch (error) {
        await release()
        throw error
      }
    })
  }

  /** Runs one that its caller waits for, and that nobody asks about meanwhile but by its session. */
  async function run(request: RestoreRequest, more: StartOptions, options: AbortableOptions): Promise<RestoreResult> {
    return (await startWatched(request, more, options)).result()
  }

  async function startPlan(asked: RestoreRequest, { expiresAfterMs, ...options }: PlanOptions & AbortableOptions = {}): Promise<RestoreSession> {
    assertKnownOptions(options, ['signal'], 'beside its request a plan')
    const lifetime = checkPlanOptions(expiresAfterMs === undefined ? {} : { expiresAfterMs })
    const recorder = planRecorder()
    checkRequest(asked)
    named.assertIs(asked)
    if (asked.resolvers?.length)
      throw new HoldfastError('E_CONFIG', 'a restore with `resolvers` cannot be planned: a plan keeps no functions', {
        hint: 'Restore with `undo: true`, after a look with `dryRun`.',
      })
    const { scope, targetScope = scope } = asked
    const request = { ...plainRequest(asked), snapshot: await snapshotIdOf(repositories, asked.snapshot, { scope, ...options }) }
    const finish = async (result: RestoreResult, { signal }: AbortableOptions) => {
      const made = storedPlan(request, result, recorder.planned(), { now: clock.now(), expiresAfterMs: lifetime })
      const { repository } = await findSnapshot(repositories, result.snapshotId, { scope, signal })
      await keptWith(repository, { tenant: scope }, targetScope ?? null).restores.writePart(made.planId, 'plan', 0, made, { signal })
    }
    return startWatched({ ...request, dryRun: true }, { watch: recorder.watch, finish }, options)
  }

  async function plan(asked: RestoreRequest, options: PlanOptions & AbortableOptions = {}): Promise<RestorePlan> {
    const { id, result } = await startPlan(asked, options)
    await result()
    const { scope, targetScope = scope } = asked
    return shown(known(await storedPlanOf(id, { scope: targetScope, signal: options.signal }), 'plan', id).value)
  }

  async function storedPlanOf(planId: string, options: ScopeOption): Promise<Kept<StoredPlan> | null> {
    const found = await findKept<StoredPlan>(repositories, planId, (log) => log.readPart(planId, 'plan', 0, { signal: options.signal }), options)
    if (!found) return null
    const { scope, targetScope = scope } = found.value.request
    if (found.value.planId === planId && targetScope === options.scope) return found
    throw new HoldfastError('E_ARCHIVE_CORRUPT', `what is kept as plan ${planId} is another plan, or of another tenant`)
  }

  function appliedBy(planId: string, { scope }: ScopeOption): AppliedBy {
    return async ({ signal }) => {
      for await (const { repository } of repositories.all({ signal })) {
        const log = repository.scopeOf(scope).restores
        for await (const { restoreId } of log.list({ signal })) {
          const result = (await resultIn(log, restoreId, { signal })) as RestoreResult | null
          if (result?.applies === planId && result.status !== 'planned' && !(await isUndone(log, restoreId, { signal }))) return result
        }
      }
      return null
    }
  }

  async function startApply(
    wanted: string | Pick<RestorePlan, 'planId' | 'hash'>,
    { by, undo = true, scope, ...options }: ApplyOptions & ScopeOption = {},
  ): Promise<RestoreSession> {
    assertKnownOptions(options, ['signal'], 'beside its plan an application')
    const planId = typeof wanted === 'string' ? wanted : wanted?.planId
    if (typeof planId !== 'string') throw new HoldfastError('E_CONFIG', 'no plan is named', { hint: 'Give its id, or what `restores.plan()` gave.' })
    const { value: stored } = known(await storedPlanOf(planId, { scope, ...options }), 'plan', planId)
    if (typeof wanted !== 'string' && wanted.hash !== stored.hash) {
      throw new HoldfastError('E_CONFIG', `plan ${planId} has hash ${stored.hash}, not ${wanted.hash}`, {
        hint: 'Look at the plan that is to be applied: `restores.findPlan(id)`.',
      })
    }
    if (clock.now() >= Date.parse(stored.expiresAt)) throw new HoldfastError('E_PLAN_EXPIRED', `plan ${planId} could be applied until ${stored.expiresAt}`)
    return startWatched(
      { ...stored.request, ...(by === undefined ? {} : { by }) },
      { watch: planWatcher(stored, undo, appliedBy(planId, { scope })), applies: planId },
      options,
    )
  }

  async function beginUndo(restoreId: string, request: UndoRequest = {}, { scope, ...options }: ScopeOption = {}): Promise<RestoreSession> {
    assertKnownOptions(request, ['onConflict', 'by'], 'an undo')
    assertNoted(request)
    assertKnownOptions(options, ['signal'], 'beside its request an undo')
    if (request.onConflict !== undefined && request.onConflict !== 'fail' && request.onConflict !== 'keep')
      throw new HoldfastError('E_CONFIG', `\`onConflict\` is ${JSON.stringify(request.onConflict)}; expected "fail" or "keep"`)
    const { value, repository } = known(
      await findKept<RestoreResult>(repositories, restoreId, (log) => log.readResult(restoreId, options), { scope, ...options }),
      'restore',
      restoreId,
    )
    const tenant = scope ?? null
    const keep = async (result: RestoreResult) => noted(restoreId, await keepRestore(result, { repository, logger }), repository, options)
    const undoing = {
      repository,
      tenant,
      storesOf: (byRow: boolean) => liveStoresOf({ planId: value.planId, tenant, byRow }, stores, plans),
      ownedOf: ownedToday(plans, value.planId),
      clock,
      logger,
      hooks: hooksOf(value.planId),
      ...options,
    }
    return recent.begin(async () => startUndo(value, request, undoing, keep))
  }

  async function noted(restoreId: string, kept: RestoreResult, repository: RepositoryScope, options: AbortableOptions): Promise<RestoreResult> {
    try {
      await noteUndone(repository.restores, restoreId, kept.restoreId, options)
      return kept
    } catch (error) {
      logger.error({ restoreId, error: String(error) }, 'that a restore was undone could not be noted')
      return {
        ...kept,
        warnings: [...kept.warnings, `a replay will not know that ${restoreId} was undone: ${error instanceof Error ? error.message : String(error)}`],
      }
    }
  }

  const replaying = {
    repositories,
    clock,
    logger,
    start: (request: RestoreRequest, what: Replaying, options: AbortableOptions) => startWatched(request, { replaying: what }, options),
    begin: (make: () => Promise<RestoreSession>) => recent.begin(make),
  }

  async function begunReplay(replayed: Parameters<IDataRestoreService['replay']>[0], request: ReplayRequest = {}, options: ScopeOption = {}) {
    assertKnownOptions(options, ['signal', 'scope'], 'beside its request a replay')
    const replay = await startReplay(replayed, request, replaying, options)
    const noted: Promise<void> = replay.noted.then(() => void releasing.delete(noted))
    releasing.add(noted)
    return replay
  }

  async function replay(...of: Parameters<IDataRestoreService['replay']>): Promise<RestoreResult> {
    const { session, noted } = await begunReplay(...of)
    const result = await session.result().finally(() => noted)
    const warnings = await noted
    return warnings.length === 0 ? result : { ...result, warnings: [...result.warnings, ...warnings] }
  }

  async function history({ limit = HISTORY_LIMIT, scope, ...options }: { readonly limit?: number } & ScopeOption = {}): Promise<readonly RestoreResult[]> {
    assertKnownOptions(options, ['signal'], 'a history')
    const kept: { readonly id: string; readonly log: RestoreLog }[] = []
    for (const name of repositories.names) {
      const log = (await repositories.existing(name, options)).scopeOf(scope).restores
      for await (const { restoreId: id } of log.list(options)) kept.push({ id, log })
    }
    const results: RestoreResult[] = []
    for (const { id, log } of kept.sort((a, b) => (a.id < b.id ? 1 : -1))) {
      if (results.length >= limit) break
      const result = await resultIn(log, id, options)
      if (result && (result as RestoreResult).status !== 'planned') results.push(ofToday(result as RestoreResult))
    }
    return results
  }

  return {
    recent,
    named: (id, options) => named.request(id, options),
    listNamed: () => named.list(),
    checkRestorable: (query) => restorableSnapshots({ repositories, stores, plans, schema, clock, logger }, query),
    released: async () => void (await Promise.all(releasing)),
    async start(request, options) {
      named.assertIs(request)
      return startWatched(request, {}, options)
    },
    async restore(request, options = {}) {
      named.assertIs(request)
      return run(request, {}, options)
    },
    plan,
    findPlan: async (id, options = {}) => {
      const found = await storedPlanOf(id, options)
      return found && shown(found.value)
    },
    async *planRows(planId, options = {}) {
      const { value, repository } = known(await storedPlanOf(planId, options), 'plan', planId)
      yield* plannedRows(value, repository.restores, { signal: options.signal })
    },
    startPlan,
    startApply,
    apply: async (...of) => (await startApply(...of)).result(),
    startUndo: beginUndo,
    undo: async (...of) => (await beginUndo(...of)).result(),
    replay,
    startReplay: async (...of) => (await begunReplay(...of)).session,
    history,
    session: (id) => recent.get(id),
    sessions: () => recent.list(),
    async result(id, options = {}) {
      const found = await findKept<RestoreResult>(repositories, id, (log) => log.readResult(id, { signal: options.signal }), options)
      return found && ofToday(found.value)
    },
    async diagnostics(id, options = {}) {
      const found = await findKept<StoredDiagnostics>(repositories, id, (log) => log.readDiagnostics(id, { signal: options.signal }), options)
      return found && withoutKept(found.value)
    },
  }
}

/** Without the keys of the records, which are for a replay alone. */
function withoutKept({ kept: _kept, ...diagnostics }: StoredDiagnostics): RestoreDiagnostics {
  return diagnostics
}

/** Without what only its application needs. */
function shown({ request: _request, planned: _planned, ...plan }: StoredPlan): RestorePlan {
  return plan
}

/** Null when the restore left none: it failed, or is under way. */
async function resultIn(log: RestoreLog, restoreId: string, options: AbortableOptions): Promise<unknown> {
  return log.readResult(restoreId, options).catch((error: unknown) => (isHoldfastError(error, 'E_ARCHIVE_MISSING') ? null : Promise.reject(error)))
}
