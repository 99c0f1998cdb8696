import { type AbortableOptions, onAbort, throwIfAborted } from '../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { MysqlClient, MysqlConnections } from './connections.ts'
import { queryText } from './query.ts'
import type { MysqlSession } from './session.ts'

/** How long a cancellation waits for one more connection of the application's pool before the statement is left to run to its end. */
const PATIENCE_MS = 2000

interface Waiter {
  readonly take: () => void
  readonly fail: (error: HoldfastError) => void
}

/** The one connection of a view, lent to one piece of work at a time, first come first served. */
export class Lane {
  readonly #session: MysqlSession
  readonly #connections: MysqlConnections
  readonly #waiters: Waiter[] = []
  #busy = false
  #ended: HoldfastError | null = null
  readonly #ending = new AbortController()

  constructor(session: MysqlSession, connections: MysqlConnections) {
    this.#session = session
    this.#connections = connections
  }

  /** Aborts when the view ends: a client that is destroyed answers nobody any more. */
  get ending(): AbortSignal {
    return this.#ending.signal
  }

  /** Runs short statements. An abort rejects at once and cancels the one that runs; the lane is free again when the database has answered. */
  async run<T>(work: (client: MysqlClient) => Promise<T>, { signal }: AbortableOptions = {}): Promise<T> {
    const { client, done } = await this.lend({ signal })
    let cancelling: Promise<void> | undefined
    const working = work(client).finally(async () => {
      await cancelling
      await done(true)
    })
    const stops: (() => void)[] = []
    const broken = new Promise<never>((_, reject) => {
      stops.push(
        onAbort(signal, (error) => {
          cancelling = this.cancel()
          reject(error)
        }),
        onAbort(this.ending, reject),
      )
    })
    // Whoever loses the race must not become an unhandled rejection.
    working.catch(() => {})
    return Promise.race([working, broken]).finally(() => stops.forEach((stop) => stop()))
  }

  /** Lends the connection. `done` must be called, with false when it was lost: then the view is lost with it. */
  async lend({ signal }: AbortableOptions = {}): Promise<{ readonly client: MysqlClient; done(usable: boolean): Promise<void> }> {
    throwIfAborted(signal)
    if (this.#ended) throw this.#ended
    if (this.#busy) await this.#wait(signal)
    this.#busy = true
    return { client: this.#session.client, done: (usable) => this.#done(usable) }
  }

  /** Has the server give up the statement that runs, through a connection of its own. Never rejects. */
  async cancel(): Promise<void> {
    const other = await this.#connections.acquire({ signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null)
    if (!other) return
    const reached = await queryText(other.client, 'cancelling a statement', `KILL QUERY ${this.#session.server.connectionId}`).then(
      () => true,
      () => false,
    )
    other.release(!reached)
  }

  /** Ends the transaction and gives the connection back; closes it when it is at work. Never rejects. */
  async close(): Promise<void> {
    const busy = this.#busy
    this.#end(new HoldfastError('E_STORE_FAILED', 'the view is closed', { hint: 'Open another view.' }))
    await this.#session.release(busy)
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let stop = (): void => {}
      const waiter: Waiter = {
        take: () => {
          stop()
          resolve()
        },
        fail: (error) => {
          stop()
          reject(error)
        },
      }
      this.#waiters.push(waiter)
      stop = onAbort(signal, (error) => {
        const place = this.#waiters.indexOf(waiter)
        if (place >= 0) this.#waiters.splice(place, 1)
        reject(error)
      })
    })
  }

  async #done(usable: boolean): Promise<void> {
    if (!usable) {
      this.#end(
        new HoldfastError('E_STORE_FAILED', 'the connection that holds the snapshot was lost, and the view with it', {
          hint: 'Open another view; what was read so far can be checked under it.',
        }),
      )
      return this.#session.release(true)
    }
    const next = this.#waiters.shift()
    if (next) next.take()
    else this.#busy = false
  }

  #end(error: HoldfastError): void {
    this.#ended ??= error
    this.#ending.abort(this.#ended)
    for (const { fail } of this.#waiters.splice(0)) fail(this.#ended)
  }
}
