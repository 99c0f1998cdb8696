/** Tasks that share a limited thing: one view, which serves so many calls at once. */
export interface Lane {
  push(task: () => Promise<void>): void
}

interface LaneState {
  readonly capacity: number
  readonly waiting: (() => Promise<void>)[]
  active: number
}

/**
 * Runs tasks, at most `limit` at once and at most `capacity` of each lane, in the order they came; a task may add more. Lanes take
 * turns, so that no store waits for another to finish.
 */
export class TaskLanes {
  readonly #limit: number
  readonly #lanes: LaneState[] = []
  #active = 0
  #turn = 0
  #stopped = false
  #failure: { readonly error: unknown } | null = null
  #settle: (() => void) | null = null

  constructor(limit: number) {
    this.#limit = limit
  }

  lane(capacity: number): Lane {
    const lane: LaneState = { capacity, waiting: [], active: 0 }
    this.#lanes.push(lane)
    return {
      push: (task) => {
        lane.waiting.push(task)
        if (this.#settle) this.#fill()
      },
    }
  }

  /** Until no task runs or waits. Rejects with the first failure, after every running task has ended. */
  async run(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#settle = resolve
      this.#fill()
    })
    this.#settle = null
    if (this.#failure) throw this.#failure.error
  }

  /** Starts no further task. Running ones end by themselves. */
  stop(): void {
    this.#stopped = true
    for (const lane of this.#lanes) lane.waiting.length = 0
  }

  #fill(): void {
    while (this.#active < this.#limit) {
      const lane = this.#nextLane()
      if (!lane) break
      void this.#start(lane, lane.waiting.shift()!)
    }
    if (this.#active === 0) this.#settle?.()
  }

  #nextLane(): LaneState | null {
    if (this.#stopped) return null
    for (let step = 0; step < this.#lanes.length; step++) {
      const lane = this.#lanes[(this.#turn + step) % this.#lanes.length]!
      if (lane.waiting.length === 0 || lane.active >= lane.capacity) continue
      this.#turn = (this.#turn + step + 1) % this.#lanes.length
      return lane
    }
    return null
  }

  async #start(lane: LaneState, task: () => Promise<void>): Promise<void> {
    this.#active++
    lane.active++
    try {
      await task()
    } catch (error) {
      this.#failure ??= { error }
      this.stop()
    } finally {
      this.#active--
      lane.active--
      this.#fill()
    }
  }
}
