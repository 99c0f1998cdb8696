import type { ScopeOption } from '../contracts/scope-option.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../contracts/logger.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import type { SchemaChange } from '../evolution/index.ts'
import {
  type FailedRecord,
  type KeptFailures,
  nothingToReplay,
  type ReplayRequest,
  type RestoreDiagnostics,
  type RestoreRequest,
  type RestoreResult,
  type RestoreSession,
  type StoredDiagnostics,
  type TriedBefore,
} from '../restore/index.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import { findKept, type Kept } from './kept-restores.ts'
import { noteReplay, readReplays, replayUnavailable } from './replay-history.ts'

/** What a replay restores, beside its request. */
export interface Replaying {
  readonly replays: string
  readonly triedBefore: TriedBefore
  readonly records: readonly FailedRecord[]
  readonly entities: KeptFailures['entities']
  readonly changes: readonly SchemaChange[]
}

export interface ReplayDependencies {
  readonly repositories: BucketRepositories
  readonly clock: Clock
  readonly logger: Logger
  /** Runs what was made of the replay, by the way that every restore goes. */
  readonly start: (request: RestoreRequest, replaying: Replaying, options: AbortableOptions) => Promise<RestoreSession>
  /** Holds a session that has nothing to do where others are found. */
  readonly begin: (make: () => Promise<RestoreSession>) => Promise<RestoreSession>
}

/** A replay that is on its way. `noted` resolves when it is kept which records are in, with what went wrong with that. */
export interface StartedReplay {
  readonly session: RestoreSession
  readonly noted: Promise<readonly string[]>
}

const OPTIONS: readonly (keyof ReplayRequest)[] = ['fix', 'upcast', 'only', 'policy', 'continueOnError', 'undo', 'by']

/**
 * Tries the records again that a restore left out, those that no replay has brought in since.
 *
 * @throws `E_RESTORE_UNKNOWN`, `E_REPLAY_UNAVAILABLE`, `E_CONFIG`, and as a restore does
 */
export async function startReplay(
  replayed: string | Pick<RestoreDiagnostics, 'restoreId'>,
  request: ReplayRequest,
  dependencies: ReplayDependencies,
  options: ScopeOption,
): Promise<StartedReplay> {
  const { only, fix = [], upcast = [], policy, continueOnError, undo = true, by } = checked(request)
  const restoreId = typeof replayed === 'string' ? replayed : replayed?.restoreId
  if (typeof restoreId !== 'string') throw new HoldfastError('E_CONFIG', 'no restore is named', { hint: 'Give its id, or its diagnostics.' })
  const { diagnostics, result, repository } = await rootOf(restoreId, dependencies.repositories, options)
  const kept = diagnostics.kept!
  const log = repository.restores
  const history = await readReplays(log, result.restoreId, { signal: options.signal })
  const records = kept.records.filter((record) => !history.isDone(record) && (only === undefined || only(diagnostics.entries[record.entry]!)))
  const asked: RestoreRequest = { ...kept.request, ...(policy === undefined ? {} : { policy }), ...(by === undefined ? {} : { by }) }
  if (records.length === 0) {
    const session = await dependencies.begin(async () => nothingToReplay(result, { ...asked, by: by ?? null }, dependencies))
    return { session, noted: Promise.resolve([]) }
  }
  const session = await dependencies.start(
    { ...asked, undo, continueOnError: continueOnError ?? records.length },
    {
      replays: result.restoreId,
      triedBefore: history.triedBefore,
      records,
      entities: kept.entities,
      changes: [...upcast, ...fix.map((change, at) => ('to' in change ? { ...change, to: `${change.to} ${at + 1}` } : change))],
    },
    { signal: options.signal },
  )
  const noted = session.result().then(
    (ended) => outcome(ended),
    (error: unknown) => (isHoldfastError(error, 'E_RESTORE_REJECTED') ? noteAs([], records) : []),
  )
  return { session, noted }

  async function outcome({ restoreId: replayId, status }: RestoreResult): Promise<readonly string[]> {
    if (status === 'completed') return noteAs(records, [])
    const again = (
      await findKept<StoredDiagnostics>(dependencies.repositories, replayId, (own) => own.readDiagnostics(replayId, { signal: options.signal }), options)
    )?.value.kept
    const failed = new Set(again?.records.map(({ store, entity, key }) => JSON.stringify([store, entity, key])))
    const hasFailed = ({ store, entity, key }: FailedRecord) => failed.has(JSON.stringify([store, entity, key]))
    return noteAs(again ? records.filter((record) => !hasFailed(record)) : [], again ? records.filter(hasFailed) : records)
  }

  /** What is in is in; that it is not noted makes the next replay find it identical. */
  async function noteAs(done: readonly FailedRecord[], failed: readonly FailedRecord[]): Promise<readonly string[]> {
    try {
      await noteReplay(log, result.restoreId, { replayId: session.id, done, failed }, {})
      return []
    } catch (error) {
      dependencies.logger.error({ restoreId: session.id, error: String(error) }, 'a replay could not be noted')
      return [
        `the repository does not know of this replay; the next one will find what is in as it is: ${error instanceof Error ? error.message : String(error)}`,
      ]
    }
  }
}

/** @throws `E_CONFIG` */
function checked(request: ReplayRequest): ReplayRequest {
  assertKnownOptions(request, OPTIONS, 'a replay')
  const { fix, upcast, only } = request
  for (const [name, value] of Object.entries({ fix, upcast }))
    if (value !== undefined && !Array.isArray(value)) throw new HoldfastError('E_CONFIG', `\`${name}\` is no list`, { hint: `${name}: [${name}(Order, …)]` })
  if (only !== undefined && typeof only !== 'function')
    throw new HoldfastError('E_CONFIG', '`only` is no function', { hint: "only: ({ cause }) => cause === 'missing-parent'" })
  return request
}

interface Root {
  readonly diagnostics: StoredDiagnostics
  readonly result: RestoreResult
  readonly repository: Kept<unknown>['repository']
}

/** The restore that left the records out first: a replay of a replay tries what is left of the same ones. */
async function rootOf(restoreId: string, repositories: BucketRepositories, options: ScopeOption): Promise<Root> {
  const read = (id: string) => findKept<StoredDiagnostics>(repositories, id, (log) => log.readDiagnostics(id, { signal: options.signal }), options)
  const own = await read(restoreId)
  const rootId = own?.value.kept?.root ?? restoreId
  const done = await findKept<RestoreResult>(repositories, rootId, (log) => log.readResult(rootId, { signal: options.signal }), options)
  if (!own && !done) throw new HoldfastError('E_RESTORE_UNKNOWN', `there is no restore ${JSON.stringify(restoreId)} here`)
  if (done?.value.replays) return rootOf(done.value.replays, repositories, options)
  if (!done) throw replayUnavailable(rootId, 'failed, and nothing of it was committed')
  if (done.value.status !== 'PartiallyRestored') throw replayUnavailable(rootId, done.value.status === 'planned' ? 'was a dry run' : 'left no record out')
  const root = rootId === restoreId ? own : await read(rootId)
  if (!root?.value.kept) throw replayUnavailable(rootId, 'left records out, but its diagnostics could not be stored: run it again')
  const { scope, targetScope = scope } = root.value.kept.request
  if ((targetScope ?? undefined) !== options.scope || root.value.kept.root !== rootId)
    throw new HoldfastError('E_ARCHIVE_CORRUPT', `what is kept as the diagnostics of restore ${rootId} is of another restore, or of another tenant`)
  return { diagnostics: root.value, result: done.value, repository: done.repository }
}
