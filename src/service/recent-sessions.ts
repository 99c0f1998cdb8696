import { HoldfastError } from '../kernel/errors.ts'

interface Session {
  readonly id: string
  readonly state: string
}

/** Ended sessions that a process keeps to answer for. */
const KEPT = 100
/** States in which nothing runs any more. A session that is pausing or cancelling still works. */
const ENDED: ReadonlySet<string> = new Set(['done', 'partial', 'paused', 'cancelled', 'failed'])

/** The sessions of this process, by id. Running ones are always kept, ended ones to a bound. */
export class RecentSessions<T extends Session> {
  readonly #sessions = new Map<string, T>()
  readonly #starting = new Set<Promise<T>>()
  #closed = false

  /** Starts a session and keeps it. @throws `E_CONFIG` after `close`, beside what `start` throws */
  async begin(start: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new HoldfastError('E_CONFIG', 'Holdfast is closed', { hint: 'Create another one with `createHoldfast`.' })
    const starting = start().then((session) => this.add(session))
    this.#starting.add(starting)
    try {
      return await starting
    } finally {
      this.#starting.delete(starting)
    }
  }

  add(session: T): T {
    // A resumed session has the id of the one it goes on with, and takes its place as the newest.
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, session)
    const ended = [...this.#sessions.values()].filter(({ state }) => ENDED.has(state))
    for (const { id } of ended.slice(0, Math.max(0, ended.length - KEPT))) this.#sessions.delete(id)
    return session
  }

  get(id: string): T | undefined {
    return this.#sessions.get(id)
  }

  /** Newest first. */
  list(): T[] {
    return [...this.#sessions.values()].toReversed()
  }

  running(): T[] {
    return this.list().filter(({ state }) => !ENDED.has(state))
  }

  /** Lets no session begin any more, waits for those that are just beginning, and stops all that run. What a session says while it stops it says to whoever awaits it. */
  async close(stop: (session: T) => Promise<unknown>): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#starting)
    await Promise.allSettled(this.running().map(stop))
  }
}
