import { type Clock, systemClock } from '../kernel/clock.ts'
import type { EntityProgress, EntityProgressState, ProgressEnd, ProgressPhase, ProgressSnapshot } from './progress-snapshot.ts'
import { RateMeter } from './rate-meter.ts'

/** A phase and the share of the whole it stands for. Shares are relative to their sum. */
export interface PhaseShare {
  readonly phase: Exclude<ProgressPhase, ProgressEnd>
  readonly share: number
}

export const BACKUP_PHASES: readonly PhaseShare[] = [
  { phase: 'opening', share: 1 },
  { phase: 'copying', share: 96 },
  { phase: 'verifying', share: 2 },
  { phase: 'committing', share: 1 },
]

export interface ProgressTrackerOptions {
  readonly operation: ProgressSnapshot['operation']
  readonly id: string
  readonly phases: readonly PhaseShare[]
  readonly clock?: Clock
}

/** Counters of one entity. Engines call these on the hot path, so they only add numbers up. */
export interface EntityMeter {
  /** Expected size; weighs the entity against the others. */
  estimate(rows: number, bytes: number): void
  state(state: EntityProgressState): void
  /** Records read or written by this run. */
  advance(rows: number, bytes: number): void
  /** Records found unchanged. */
  reuse(rows: number, bytes: number): void
}

interface EntityCounters {
  readonly store: string
  readonly entity: string
  state: EntityProgressState
  rows: number
  estimatedRows: number
  reusedRows: number
  bytes: number
  weight: number
}

/** What an entity of unknown size weighs: its queries cost something even when it is empty. */
const BASE_WEIGHT = 64 * 1024
/** A running entity or phase never looks finished, however wrong the estimate was. */
const ALMOST = 0.99
/** Rates of the first moments say nothing of the time to come. */
const SETTLED_MS = 1000

/** Adds up what a run does and says how far it is. Pure but for the clock: no timers, no listeners (see `ProgressFeed`). */
export class ProgressTracker {
  readonly #options: ProgressTrackerOptions
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #entities: EntityCounters[] = []
  readonly #shares: number
  readonly #records: RateMeter
  readonly #plain: RateMeter
  readonly #stored: RateMeter
  readonly #advance: RateMeter
  #phase: ProgressPhase
  #percent = 0
  #storedBytes = 0
  #workedRows = 0
  #workedBytes = 0
  #endedAt: number | null = null
  readonly #waiting = new Map<string, string>()
  #warnings: readonly string[] = []

  constructor(options: ProgressTrackerOptions) {
    const first = options.phases[0]
    if (!first) throw new TypeError('ProgressTracker: at least one phase')
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#phase = first.phase
    this.#shares = options.phases.reduce((sum, phase) => sum + phase.share, 0)
    const now = this.#clock.now()
    this.#startedAt = now
    this.#records = new RateMeter(now)
    this.#plain = new RateMeter(now)
    this.#stored = new RateMeter(now)
    // Slower than the others: a remaining time that jumps about helps nobody.
    this.#advance = new RateMeter(now, 15_000)
  }

  entity(store: string, entity: string): EntityMeter {
    const counters: EntityCounters = { store, entity, state: 'waiting', rows: 0, estimatedRows: 0, reusedRows: 0, bytes: 0, weight: BASE_WEIGHT }
    this.#entities.push(counters)
    return {
      estimate: (rows, bytes) => {
        counters.estimatedRows = rows
        counters.weight = BASE_WEIGHT + bytes
      },
      state: (state) => {
        counters.state = state
        if (state === 'done') counters.estimatedRows = counters.rows
      },
      advance: (rows, bytes) => {
        counters.rows += rows
        counters.bytes += bytes
        this.#workedRows += rows
        this.#workedBytes += bytes
      },
      reuse: (rows, bytes) => {
        counters.rows += rows
        counters.bytes += bytes
        counters.reusedRows += rows
      },
    }
  }

  /** Bytes that went to or came from the storage. */
  stored(bytes: number): void {
    this.#storedBytes += bytes
  }

  /** Reading of a store waits for something; null when it goes on. */
  waiting(store: string, reason: string | null): void {
    if (reason === null) this.#waiting.delete(store)
    else this.#waiting.set(store, reason)
  }

  warn(warning: string): void {
    this.#warnings = [...this.#warnings, warning]
  }

  /** `restart`: the records are gone through once more in this phase, so the counts of the entities begin again. */
  enter(phase: ProgressPhase, options: { readonly restart?: boolean } = {}): void {
    this.#phase = phase
    if (isEnd(phase)) this.#endedAt ??= this.#clock.now()
    if (!options.restart) return
    for (const entity of this.#entities) {
      entity.state = 'waiting'
      entity.rows = entity.reusedRows = entity.bytes = 0
    }
  }

  snapshot(): ProgressSnapshot {
    const now = this.#endedAt ?? this.#clock.now()
    const raw = this.#rawPercent()
    this.#percent = Math.max(this.#percent, this.#phase === 'done' || this.#phase === 'partial' ? 100 : Math.min(99.9, raw))
    this.#records.sample(this.#workedRows, now)
    this.#plain.sample(this.#workedBytes, now)
    this.#stored.sample(this.#storedBytes, now)
    this.#advance.sample(this.#percent, now)
    return {
      operation: this.#options.operation,
      id: this.#options.id,
      phase: this.#phase,
      percent: Math.floor(this.#percent * 10) / 10,
      records: sum(this.#entities, (entity) => entity.rows),
      estimatedRecords: sum(this.#entities, (entity) => Math.max(entity.estimatedRows, entity.rows)),
      plainBytes: sum(this.#entities, (entity) => entity.bytes),
      storedBytes: this.#storedBytes,
      recordsPerSecond: Math.round(this.#records.perSecond),
      plainBytesPerSecond: Math.round(this.#plain.perSecond),
      storedBytesPerSecond: Math.round(this.#stored.perSecond),
      elapsedMs: now - this.#startedAt,
      remainingMs: this.#remainingMs(now),
      waiting: isEnd(this.#phase) ? null : ([...this.#waiting.values()][0] ?? null),
      warnings: this.#warnings,
      at: new Date(now).toISOString(),
      entities: this.#entities.map(progressOf),
    }
  }

  #rawPercent(): number {
    let before = 0
    for (const { phase, share } of this.#options.phases) {
      if (phase === this.#phase) return ((before + share * this.#phaseFraction()) / this.#shares) * 100
      before += share
    }
    return this.#percent
  }

  /** Of the phase that goes through records; the short phases around it count from their end. */
  #phaseFraction(): number {
    if (!WORKING.has(this.#phase)) return 0
    const whole = sum(this.#entities, (entity) => entity.weight)
    if (whole === 0) return 0
    return Math.min(ALMOST, sum(this.#entities, (entity) => entity.weight * fractionOf(entity)) / whole)
  }

  #remainingMs(now: number): number | null {
    if (isEnd(this.#phase) || now - this.#startedAt < SETTLED_MS) return null
    const perSecond = this.#advance.perSecond
    return perSecond <= 0 ? null : Math.round(((100 - this.#percent) / perSecond) * 1000)
  }
}

const WORKING: ReadonlySet<ProgressPhase> = new Set<ProgressPhase>(['copying', 'validating', 'staging', 'comparing', 'merging'])

export function isEnd(phase: ProgressPhase): phase is ProgressEnd {
  return phase === 'done' || phase === 'partial' || phase === 'paused' || phase === 'cancelled' || phase === 'failed'
}

function progressOf({ store, entity, state, rows, estimatedRows, reusedRows, bytes }: EntityCounters): EntityProgress {
  return { store, entity, state, rows, estimatedRows, reusedRows, bytes }
}

function fractionOf(entity: EntityCounters): number {
  if (entity.state === 'done') return 1
  return entity.estimatedRows === 0 ? 0 : Math.min(ALMOST, entity.rows / entity.estimatedRows)
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let total = 0
  for (const item of items) total += of(item)
  return total
}
