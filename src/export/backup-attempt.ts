import { type ClaimedAttempt, type ChunkStore, commitSnapshot, type Manifest, type RepositoryScope, type SessionRecord } from '../archive/index.ts'
import type { SequenceState } from '../contracts/consistent-view.ts'
import type { HookRuns } from '../hooks/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { Logger } from '../contracts/logger.ts'
import type { Clock } from '../kernel/clock.ts'
import { onAbort } from '../kernel/abort.ts'
import { type HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { ResolvedPlan } from '../plan/resolved-plan.ts'
import { BACKUP_PHASES, type ProgressEnd, ProgressFeed, ProgressTracker } from '../progress/index.ts'
import { KeyImage } from '../reconcile/index.ts'
import { assertRoom } from './assert-room.ts'
import { type BackupResult, backupResult } from './backup-result.ts'
import { buildManifest } from './build-manifest.ts'
import { copyEntities, type CopyOptions, estimateEntities } from './copy-entities.ts'
import { dropMissing } from './drop-missing.ts'
import { entityCopies } from './entity-copies.ts'
import type { EntityCopy } from './entity-copy.ts'
import type { OpenViews } from './open-views.ts'
import { openViewsAgain } from './open-views-again.ts'
import { sealAnew } from './seal-anew.ts'
import type { ReplayedJournal } from './replay-journal.ts'
import type { SessionJournal } from './session-journal.ts'
import { assertNotExpired } from './session-liveness.ts'
import type { SourcePaces } from './source-paces.ts'
import { ageText, watchViewAge } from './view-age.ts'

export interface BackupAttemptOptions {
  readonly plan: ResolvedPlan
  readonly stores: readonly EntityStore[]
  readonly repositoryId: string
  readonly scope: RepositoryScope
  readonly chunksOf: (bucket: string) => ChunkStore
  readonly session: SessionRecord
  readonly attempt: ClaimedAttempt
  /** Milliseconds from the session's start to this attempt's, by the storage's clock. */
  readonly ageMs: number
  /** Already opened: the session is this attempt's. */
  readonly journal: SessionJournal
  readonly known: ReplayedJournal
  readonly views: OpenViews
  readonly paces: SourcePaces
  /** Those before the backup were called. */
  readonly hooks: HookRuns
  readonly resumed: boolean
  /** Ends all work; shared with the journal. */
  readonly controller: AbortController
  readonly clock: Clock
  readonly logger: Logger
}

export type AttemptOutcome =
  | { readonly state: 'done'; readonly result: BackupResult }
  | { readonly state: 'paused' }
  /** `unmarked`: the journal does not say that the session was cancelled, because it could not be written. */
  | { readonly state: 'cancelled'; readonly error: HoldfastError; readonly unmarked?: unknown }
  | { readonly state: 'failed'; readonly error: unknown }

/** How long a run that is ending anyway tries to write its last words. */
const LAST_WORDS_MS = 10_000
/** A database that fails more often than this in one run is not well; the session can be resumed when it is. */
const MOST_FAILURES = 10
/** Failures in a row without a range stored in between. */
const MOST_IN_VAIN = 3

const NOTHING_KNOWN: ReplayedJournal = { image: () => new KeyImage() }
const NO_VIEWS: OpenViews = { byStore: new Map(), level: 'fuzzy', window: { from: '', to: '' }, warnings: [], close: async () => {} }

/** One process's work on a session, from open views to a committed snapshot, a pause, a cancellation or a failure. Runs from the moment it is made. */
export class BackupAttempt {
  readonly tracker: ProgressTracker
  readonly feed: ProgressFeed
  /** Never rejects; resolves when all work has ended, views are closed and nothing more is written. */
  readonly outcome: Promise<AttemptOutcome>
  readonly #options: Omit<BackupAttemptOptions, 'known' | 'views'>
  readonly #startedAt: number
  readonly #warnings: string[] = []
  #views: OpenViews
  #known: ReplayedJournal
  #copies: readonly EntityCopy[]
  #pausing = false
  /** The views are held for too long, and new ones are wanted. */
  #aged = false
  /** What the last views that grew too old had brought; null once views are no longer given up for their age. */
  #gained: number | null = 0
  #committing = false
  #cancelled: HoldfastError | null = null

  constructor({ known, views, ...options }: BackupAttemptOptions) {
    const { session, clock, logger } = options
    this.#options = options
    this.#startedAt = clock.now()
    this.tracker = new ProgressTracker({ operation: 'backup', id: session.sessionId, phases: BACKUP_PHASES, clock })
    this.feed = new ProgressFeed({
      read: () => this.tracker.snapshot(),
      onHandlerError: (error) => logger.warn({ sessionId: session.sessionId, error: String(error) }, 'a progress handler failed'),
    })
    options.paces.listen((store, reason) => {
      this.tracker.waiting(store, reason)
      this.feed.touch()
    })
    this.#views = views
    this.#known = known
    this.#copies = this.#entityCopies()
    this.outcome = this.#run().then(async (outcome) => {
      const told = await this.#tell(outcome)
      this.#end(told.state)
      return told
    })
  }

  /** Stops at the next batch boundaries. Without effect once the commit has begun. */
  pause(): void {
    this.#pausing = true
    this.#options.paces.hurry()
  }

  cancel(error: HoldfastError): void {
    this.#cancelled ??= error
    this.#fail(error)
  }

  /** After the attempt has ended without a snapshot: closes the session for good. */
  async closeEnded(): Promise<void> {
    await this.#options.journal.end('cancelled', undefined, {})
    this.tracker.enter('cancelled')
  }

  /** The hooks after the backup hear of it before anybody else. */
  async #tell(outcome: AttemptOutcome): Promise<AttemptOutcome> {
    const { hooks, plan, session, resumed } = this.#options
    const done = outcome.state === 'done' ? outcome.result : null
    const warnings = await hooks.after('afterBackup', {
      planId: plan.id,
      scope: session.tenant ?? null,
      resumed,
      status: outcome.state === 'done' ? 'completed' : outcome.state,
      snapshotId: done?.snapshotId ?? null,
      error: 'error' in outcome ? outcome.error : null,
    })
    return done ? { state: 'done', result: { ...done, warnings: [...done.warnings, ...warnings], hooks: hooks.records } } : outcome
  }

  async #run(): Promise<AttemptOutcome> {
    const { journal } = this.#options
    try {
      const sequences = await this.#copyUnderOneSight()
      if (sequences === null) await this.#closeQuietly()
      else await this.#views.close()
      if (this.#signal.aborted) throw this.#signal.reason
      if (sequences === null || !(await this.#sealAnew())) {
        await journal.end('paused', undefined, { signal: this.#signal })
        return { state: 'paused' }
      }
      return { state: 'done', result: backupResult(await this.#commit(sequences)) }
    } catch (error) {
      this.#fail(error)
      await this.#closeQuietly()
      return await this.#ended(this.#signal.reason)
    }
  }

  /**
   * Copies everything, and reads the sequences. When the database fails meanwhile (a connection breaks, and the snapshot with it), all views are opened anew, and
   * what was copied is held against them like what a resumed session knows: so the result is one state, that of the last views. A database that keeps
   * failing ends the run. Views that grow too old are given up in the same way, where the policy says so. Null when the run was paused.
   */
  async #copyUnderOneSight(): Promise<ReadonlyMap<string, readonly SequenceState[]> | null> {
    let inVain = 0
    for (let failures = 0; ;) {
      const sweep = new AbortController()
      const stopListening = onAbort(this.#signal, (error) => sweep.abort(error))
      const stopWatching = watchViewAge(this.#options.plan.policy.maxViewAgeMs, () => this.#viewsAged())
      try {
        await this.#copy(sweep)
        if (this.#pausing) return null
        if (!this.#aged || this.#copies.every((copy) => copy.settled)) return await this.#sequences()
        stopWatching()
        if (!(await this.#replaceAgedViews())) return null
      } catch (error) {
        const failure: unknown = sweep.signal.aborted ? sweep.signal.reason : error
        inVain = this.#copies.some((copy) => copy.counts.read > 0) ? 0 : inVain + 1
        if (this.#signal.aborted || failures++ === MOST_FAILURES || inVain > MOST_IN_VAIN || !isHoldfastError(failure, 'E_STORE_FAILED')) throw failure
        if (this.#pausing || !(await this.#reopenViews(`The database failed meanwhile (${String(failure)})`))) return null
      } finally {
        stopWatching()
        stopListening()
      }
    }
  }

  /** Called by a timer. Readers that wait for the source are woken, so that they come to a batch boundary. */
  #viewsAged(): void {
    const { plan, paces } = this.#options
    const { maxViewAgeMs, whenViewAges } = plan.policy
    if (whenViewAges === 'reopen' && this.#gained !== null) {
      this.#aged = true
      paces.hurry()
      return
    }
    this.#warn(
      `The view of ${this.#views.window.from} is held for longer than ${ageText(maxViewAgeMs)} (maxViewAgeMs): the database keeps old row versions for it.`,
    )
  }

  /** Views that bring no more than those before them are not given up again: what is left is finished under the next, however long that takes. */
  async #replaceAgedViews(): Promise<boolean> {
    const { plan, paces } = this.#options
    const gained = this.#copies.reduce((sum, copy) => sum + copy.currentRows, 0)
    this.#gained = this.#gained !== null && gained > this.#gained ? gained : null
    await this.#closeQuietly()
    if (!this.#pausing) paces.calm()
    await paces.ready({ signal: this.#signal })
    if (this.#pausing) return false
    return this.#reopenViews(`The view of ${this.#views.window.from} was held for ${ageText(plan.policy.maxViewAgeMs)} (maxViewAgeMs)`)
  }

  /** For whoever looks at the session now, or at the snapshot later. */
  #warn(warning: string): void {
    const { logger, session } = this.#options
    logger.warn({ sessionId: session.sessionId }, warning)
    this.#warnings.push(warning)
    this.tracker.warn(warning)
    this.feed.touch()
  }

  /** False when the run was paused before there were views. */
  async #reopenViews(why: string): Promise<boolean> {
    const { plan, stores, paces, session, hooks, resumed } = this.#options
    await this.#closeQuietly()
    const views = await openViewsAgain(plan, stores, {
      paces,
      hooks,
      resumed,
      tenant: session.tenant ?? null,
      signal: this.#signal,
      pausing: () => this.#pausing,
    })
    if (!views) return false
    this.#views = views
    this.#aged = false
    if (!this.#pausing) paces.calm()
    this.#warn(`${why}; what had been copied was checked again under the view of ${views.window.to}.`)
    this.tracker.enter('copying', { restart: true })
    this.#copies = this.#entityCopies(this.#copies)
    return true
  }

  /** A view that broke may not close well; that is no news. */
  async #closeQuietly(): Promise<void> {
    const { logger, session } = this.#options
    await this.#views.close().catch((error: unknown) => logger.warn({ sessionId: session.sessionId, error: String(error) }, 'a view could not be closed'))
  }

  async #copy(sweep: AbortController): Promise<void> {
    const { signal } = sweep
    const options: CopyOptions = {
      policy: this.#options.plan.policy,
      signal,
      pausing: () => this.#pausing || this.#aged,
      onFailure: (error) => sweep.abort(error),
      onStored: (bytes) => this.tracker.stored(bytes),
      onMoved: () => this.feed.touch(),
      ready: async (store) => this.#options.paces.of(store)?.ready({ signal }),
    }
    await estimateEntities(this.#copies, options)
    for (const warning of await assertRoom(this.#copies, { first: () => this.#isFirst(), signal })) this.#warn(warning)
    const dropped = await dropMissing(this.#copies, { signal })
    if (dropped > 0)
      this.#options.logger.warn({ sessionId: this.#options.session.sessionId, chunks: dropped }, 'journaled chunks are not in the storage; they are made again')
    this.tracker.enter('copying')
    await copyEntities(this.#copies, options)
  }

  async #isFirst(): Promise<boolean> {
    for await (const _ of this.#options.scope.listSnapshots({ signal: this.#signal })) return false
    return true
  }

  #sealAnew(): Promise<boolean> {
    const { concurrency } = this.#options.plan.policy
    return sealAnew(this.#copies, {
      concurrency,
      signal: this.#signal,
      pausing: () => this.#pausing,
      onStored: (bytes) => this.tracker.stored(bytes),
    })
  }

  async #commit(sequences: ReadonlyMap<string, readonly SequenceState[]>): Promise<Manifest> {
    const { plan, session, repositoryId, stores, scope, chunksOf, attempt, journal, clock, ageMs } = this.#options
    assertNotExpired(session.sessionId, ageMs + (clock.now() - this.#startedAt))
    this.tracker.enter('verifying')
    this.feed.touch()
    const committedAt = new Date(clock.now()).toISOString()
    const views = { ...this.#views, warnings: [...this.#views.warnings, ...this.#warnings] }
    const hooks = this.#options.hooks.records
    const manifest = buildManifest({ plan, session, repositoryId, stores, views, sequences, copies: this.#copies, committedAt, hooks })
    this.#committing = true
    await commitSnapshot({
      scope,
      chunks: chunksOf,
      manifest,
      attempt: attempt.n,
      next: async () => {
        this.tracker.enter('committing')
        this.feed.touch()
        return await journal.finish()
      },
      signal: this.#signal,
    })
    return manifest
  }

  async #sequences(): Promise<ReadonlyMap<string, readonly SequenceState[]>> {
    const states = new Map<string, readonly SequenceState[]>()
    for (const [store, view] of this.#views.byStore) states.set(store, await view.sequences({ signal: this.#signal }))
    return states
  }

  /** The first failure ends everything and is the one that is told; aborting again changes nothing. */
  #fail(error: unknown): void {
    this.#options.controller.abort(error)
  }

  async #ended(error: unknown): Promise<AttemptOutcome> {
    const { journal, logger, session } = this.#options
    const committed = this.#committing ? await this.#committedManifest() : null
    if (committed) {
      await journal.close()
      return { state: 'done', result: backupResult(committed) }
    }
    if (isHoldfastError(error, 'E_SESSION_FENCED')) {
      await journal.close()
      return { state: 'failed', error }
    }
    const type = this.#cancelled ? 'cancelled' : 'failed'
    let unmarked: unknown
    try {
      await journal.end(type, isHoldfastError(error) ? error.code : undefined, { signal: AbortSignal.timeout(LAST_WORDS_MS) })
    } catch (marking) {
      unmarked = marking
      logger.warn({ sessionId: session.sessionId, error: String(marking) }, `the journal could not be marked ${type}`)
    }
    if (!this.#cancelled) return { state: 'failed', error }
    return { state: 'cancelled', error: this.#cancelled, ...(unmarked === undefined ? {} : { unmarked }) }
  }

  /** The write of the manifest may have seemed to fail, or been aborted, after it took effect: then the snapshot is there, and saying otherwise would be a lie. */
  async #committedManifest(): Promise<Manifest | null> {
    const { scope, session, logger } = this.#options
    try {
      return await scope.readManifest(session.sessionId, { signal: AbortSignal.timeout(LAST_WORDS_MS) })
    } catch (error) {
      if (!isHoldfastError(error, 'E_SNAPSHOT_UNKNOWN'))
        logger.warn({ sessionId: session.sessionId, error: String(error) }, 'whether the snapshot was committed is not known')
      return null
    }
  }

  /** Ended sessions are kept for a while, to be asked for. What they worked with is not: the ranges of a large database are many megabytes. */
  #end(state: ProgressEnd): void {
    this.tracker.enter(state)
    this.feed.end()
    this.#copies = []
    this.#known = NOTHING_KNOWN
    this.#views = NO_VIEWS
  }

  #entityCopies(before: readonly EntityCopy[] = []): readonly EntityCopy[] {
    return entityCopies({ ...this.#options, known: this.#known, views: this.#views, tracker: this.tracker, before })
  }

  get #signal(): AbortSignal {
    return this.#options.controller.signal
  }
}
