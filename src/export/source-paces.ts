import type { EntityStore } from '../contracts/entity-store.ts'
import type { Logger } from '../contracts/logger.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { ResolvedPlan } from '../plan/resolved-plan.ts'
import { StorePace } from './source-pace.ts'

/** The paces of all stores that a plan reads. One attempt's. */
export class SourcePaces {
  readonly #byStore: ReadonlyMap<string, StorePace>
  #onWaiting: (store: string, reason: string | null) => void = () => {}

  constructor(plan: ResolvedPlan, stores: readonly EntityStore[], logger: Logger) {
    const names = new Set(plan.entities.map(({ store }) => store))
    const { source: limits } = plan.policy
    const { maxRowsPerSecond, maxBytesPerSecond, maxReplicationLagMs, pauseWhen } = limits
    const limited = [maxRowsPerSecond, maxBytesPerSecond, maxReplicationLagMs, pauseWhen].some((limit) => limit !== null)
    this.#byStore = new Map(
      stores
        .filter(({ name }) => limited && names.has(name))
        .map((store) => [store.name, new StorePace({ store, limits, logger, onWaiting: (reason) => this.#onWaiting(store.name, reason) })]),
    )
  }

  /** Undefined where nothing is limited, and for a store that nobody knows, which is found out elsewhere. */
  of(store: string): StorePace | undefined {
    return this.#byStore.get(store)
  }

  /** Who is told what is waited for. */
  listen(onWaiting: (store: string, reason: string | null) => void): void {
    this.#onWaiting = onWaiting
  }

  hurry(): void {
    for (const pace of this.#byStore.values()) pace.hurry()
  }

  calm(): void {
    for (const pace of this.#byStore.values()) pace.calm()
  }

  async assertLagIsSeen(options: AbortableOptions): Promise<void> {
    for (const pace of this.#byStore.values()) await pace.assertLagIsSeen(options)
  }

  /** Until every database may be read. */
  async ready(options: AbortableOptions): Promise<void> {
    for (const pace of this.#byStore.values()) await pace.ready(options)
  }
}
