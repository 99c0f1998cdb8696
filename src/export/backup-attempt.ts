import { type ClaimedAttempt, type ChunkStore, commitSnapshot, type Manifest, rangeSchema, type RepositoryScope, type SessionRecord } from '../archive/index.ts'
import type { SequenceState } from '../contracts/consistent-view.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { Logger } from '../contracts/logger.ts'
import type { Clock } from '../kernel/clock.ts'
import { type HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { ResolvedPlan } from '../plan/resolved-plan.ts'
import { BACKUP_PHASES, type ProgressEnd, ProgressFeed, ProgressTracker } from '../progress/index.ts'
import { buildManifest } from './build-manifest.ts'
import { copyEntities, type CopyOptions, estimateEntities } from './copy-entities.ts'
import { dropMissing } from './drop-missing.ts'
import { EntityCopy } from './entity-copy.ts'
import type { OpenViews } from './open-views.ts'
import type { ReplayedJournal } from './replay-journal.ts'
import type { SessionJournal } from './session-journal.ts'
import { assertNotExpired } from './session-liveness.ts'

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
  /** Ends all work; shared with the journal. */
  readonly controller: AbortController
  readonly clock: Clock
  readonly logger: Logger
}

export type AttemptOutcome =
  | { readonly state: 'done'; readonly manifest: Manifest }
  | { readonly state: 'paused' }
  /** `unmarked`: the journal does not say that the session was cancelled, because it could not be written. */
  | { readonly state: 'cancelled'; readonly error: HoldfastError; readonly unmarked?: unknown }
  | { readonly state: 'failed'; readonly error: unknown }

/** How long a run that is ending anyway tries to write its last words. */
const LAST_WORDS_MS = 10_000

/** One process's work on a session, from open views to a committed snapshot, a pause, a cancellation or a failure. Runs from the moment it is made. */
export class BackupAttempt {
  readonly tracker: ProgressTracker
  readonly feed: ProgressFeed
  /** Never rejects; resolves when all work has ended, views are closed and nothing more is written. */
  readonly outcome: Promise<AttemptOutcome>
  readonly #options: BackupAttemptOptions
  readonly #copies: readonly EntityCopy[]
  readonly #startedAt: number
  #pausing = false
  #committing = false
  #cancelled: HoldfastError | null = null

  constructor(options: BackupAttemptOptions) {
    const { session, clock, logger } = options
    this.#options = options
    this.#startedAt = clock.now()
    this.tracker = new ProgressTracker({ operation: 'backup', id: session.sessionId, phases: BACKUP_PHASES, clock })
    this.feed = new ProgressFeed({
      read: () => this.tracker.snapshot(),
      onHandlerError: (error) => logger.warn({ sessionId: session.sessionId, error: String(error) }, 'a progress handler failed'),
    })
    this.#copies = this.#entityCopies()
    this.outcome = this.#run().then((outcome) => {
      this.#end(outcome.state)
      return outcome
    })
  }

  /** Stops at the next batch boundaries. Without effect once the commit has begun. */
  pause(): void {
    this.#pausing = true
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

  async #run(): Promise<AttemptOutcome> {
    const { views, journal, logger, session } = this.#options
    try {
      await this.#copy()
      const sequences = this.#pausing ? null : await this.#sequences()
      await views.close()
      if (this.#signal.aborted) throw this.#signal.reason
      if (sequences === null) {
        await journal.end('paused', undefined, { signal: this.#signal })
        return { state: 'paused' }
      }
      return { state: 'done', manifest: await this.#commit(sequences) }
    } catch (error) {
      this.#fail(error)
      await views.close().catch((closing: unknown) => logger.warn({ sessionId: session.sessionId, error: String(closing) }, 'a view could not be closed'))
      return await this.#ended(this.#signal.reason)
    }
  }

  async #copy(): Promise<void> {
    const options: CopyOptions = {
      policy: this.#options.plan.policy,
      signal: this.#signal,
      pausing: () => this.#pausing,
      onFailure: (error) => this.#fail(error),
      onStored: (bytes) => this.tracker.stored(bytes),
      onMoved: () => this.feed.touch(),
    }
    await estimateEntities(this.#copies, options)
    const dropped = await dropMissing(this.#copies, { signal: this.#signal })
    if (dropped > 0)
      this.#options.logger.warn({ sessionId: this.#options.session.sessionId, chunks: dropped }, 'journaled chunks are not in the storage; they are made again')
    this.tracker.enter('copying')
    await copyEntities(this.#copies, options)
  }

  async #commit(sequences: ReadonlyMap<string, readonly SequenceState[]>): Promise<Manifest> {
    const { plan, session, repositoryId, stores, views, scope, chunksOf, attempt, journal, clock, ageMs } = this.#options
    assertNotExpired(session.sessionId, ageMs + (clock.now() - this.#startedAt))
    this.tracker.enter('verifying')
    this.feed.touch()
    const committedAt = new Date(clock.now()).toISOString()
    const manifest = buildManifest({ plan, session, repositoryId, stores, views, sequences, copies: this.#copies, committedAt })
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
    for (const [store, view] of this.#options.views.byStore) states.set(store, await view.sequences({ signal: this.#signal }))
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
      return { state: 'done', manifest: committed }
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

  #end(state: ProgressEnd): void {
    this.tracker.enter(state)
    this.feed.end()
  }

  #entityCopies(): readonly EntityCopy[] {
    const { plan, views, known, chunksOf, journal } = this.#options
    return plan.entities.map((resolved) => {
      const view = views.byStore.get(resolved.store)!
      const descriptor = view.entities.find((candidate) => candidate.name === resolved.entity)!
      const schema = rangeSchema(descriptor, view.keyOrder(resolved.entity))
      return new EntityCopy({
        resolved,
        view,
        descriptor,
        schema,
        image: known.image(resolved.store, resolved.entity, schema),
        chunks: chunksOf(resolved.bucket),
        journal,
        meter: this.tracker.entity(resolved.store, resolved.entity),
      })
    })
  }

  get #signal(): AbortSignal {
    return this.#options.controller.signal
  }
}
