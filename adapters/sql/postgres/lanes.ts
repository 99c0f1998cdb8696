import { type AbortableOptions, onAbort, throwIfAborted } from '../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { PostgresClient, PostgresConnection } from './connections.ts'
import { queryText } from './query.ts'

/** A connection inside the view's snapshot. */
export interface Lane {
  readonly client: PostgresClient
}

/** `control`: a query, on the keeper. `read`: a stream, on a worker; on the keeper when the view has no workers. */
type LanePurpose = 'control' | 'read'

export interface LanesOptions {
  /** The connection that exported the snapshot. The view ends with it. */
  readonly keeper: PostgresConnection
  readonly workers: readonly PostgresConnection[]
  /** Brings one more connection into the snapshot, in place of a worker that was lost; null when it cannot be had. */
  readonly reopen: (options: AbortableOptions) => Promise<PostgresConnection | null>
  /** Breaks off the statement that the keeper is running, if it is running one. Settles when that has reached the server, or cannot; never rejects. */
  readonly cancel: () => Promise<void>
}

interface Slot extends Lane {
  readonly connection: PostgresConnection
  readonly isKeeper: boolean
  busy: boolean
  /** The next statement must wait for this, or it would be the one that is cancelled. */
  cancelling?: Promise<void>
}

interface Waiter {
  readonly purpose: LanePurpose
  readonly take: (slot: Slot) => void
  readonly fail: (error: HoldfastError) => void
}

/**
 * The connections of one view. Each piece of work runs behind a savepoint, so that one that fails or is broken off leaves the transaction, and with
 * it the snapshot, as it was.
 */
export class Lanes {
  readonly #slots: Slot[]
  readonly #waiters: Waiter[] = []
  readonly #reopen: LanesOptions['reopen']
  readonly #cancel: LanesOptions['cancel']
  readonly #replacing = new Set<Promise<void>>()
  readonly #ending = new AbortController()
  #ended: HoldfastError | null = null
  #closed = false

  constructor({ keeper, workers, reopen, cancel }: LanesOptions) {
    this.#reopen = reopen
    this.#cancel = cancel
    this.#slots = [slotOf(keeper, true), ...workers.map((worker) => slotOf(worker, false))]
  }

  /** Reads that can run side by side. */
  get parallel(): number {
    return Math.max(1, this.#slots.length - 1)
  }

  /**
   * Runs a query on the keeper. An abort rejects at once with `E_ABORTED` and cancels the running statement; the keeper is free again when the
   * database has answered.
   */
  async run<T>(work: (client: PostgresClient) => Promise<T>, { signal }: AbortableOptions = {}): Promise<T> {
    const slot = await this.#borrow('control', signal)
    const done = this.#guarded(slot, work)
    if (!signal) return done
    let stop = (): void => {}
    const aborted = new Promise<never>((_, reject) => {
      stop = onAbort(signal, (error) => {
        slot.cancelling = this.#cancel()
        reject(error)
      })
    })
    // Whoever loses the race must not become an unhandled rejection.
    done.catch(() => {})
    return Promise.race([done, aborted]).finally(stop)
  }

  /** Lends a lane for reading a stream. `finish` must be called, with `destroyed` when the socket was closed. */
  async lend({ signal }: AbortableOptions = {}): Promise<{ client: PostgresClient; finish(destroyed: boolean): Promise<void> }> {
    const slot = await this.#borrow('read', signal)
    try {
      await queryText(slot.client, 'setting a savepoint', 'SAVEPOINT holdfast')
    } catch (error) {
      this.#lose(slot)
      throw error
    }
    return { client: slot.client, finish: (destroyed) => this.#finish(slot, destroyed) }
  }

  /** Ends every transaction and gives the connections back; those still at work are closed. Never throws. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#end(new HoldfastError('E_STORE_FAILED', 'the view is closed', { hint: 'Open another view.' }))
    await Promise.all([...this.#slots.splice(0).map(endConnection), ...this.#replacing])
  }

  async #guarded<T>(slot: Slot, work: (client: PostgresClient) => Promise<T>): Promise<T> {
    let failed = true
    try {
      await queryText(slot.client, 'setting a savepoint', 'SAVEPOINT holdfast')
      const result = await work(slot.client)
      failed = false
      return result
    } finally {
      await slot.cancelling
      delete slot.cancelling
      // Back to the savepoint in any case: settings changed by the work are undone with it.
      await this.#finish(slot, false, failed)
    }
  }

  async #finish(slot: Slot, destroyed: boolean, quiet = false): Promise<void> {
    if (destroyed) return this.#lose(slot)
    try {
      await queryText(slot.client, 'returning to the savepoint', 'ROLLBACK TO SAVEPOINT holdfast; RELEASE SAVEPOINT holdfast')
    } catch (error) {
      this.#lose(slot)
      // The error of the work itself says more than that of the connection it broke.
      if (quiet) return
      throw error
    }
    slot.busy = false
    this.#dispatch()
  }

  async #borrow(purpose: LanePurpose, signal: AbortSignal | undefined): Promise<Slot> {
    throwIfAborted(signal)
    return new Promise<Slot>((resolve, reject) => {
      let stop = (): void => {}
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          stop()
          then(value)
        }
      const waiter: Waiter = { purpose, take: settle(resolve), fail: settle(reject) }
      this.#waiters.push(waiter)
      stop = onAbort(signal, (error) => {
        const place = this.#waiters.indexOf(waiter)
        if (place < 0) return
        this.#waiters.splice(place, 1)
        reject(error)
      })
      this.#dispatch()
    })
  }

  #dispatch(): void {
    if (this.#ended) {
      for (const waiter of this.#waiters.splice(0)) waiter.fail(this.#ended)
      return
    }
    for (const waiter of this.#waiters.splice(0)) {
      const slot = this.#slots.find((candidate) => !candidate.busy && this.#serves(candidate, waiter.purpose))
      if (slot) {
        slot.busy = true
        waiter.take(slot)
      } else this.#waiters.push(waiter)
    }
  }

  #serves(slot: Slot, purpose: LanePurpose): boolean {
    const alone = this.#slots.length === 1 && this.#replacing.size === 0
    return slot.isKeeper ? purpose === 'control' || alone : purpose === 'read'
  }

  #lose(slot: Slot): void {
    const place = this.#slots.indexOf(slot)
    if (place < 0) return // closed meanwhile
    this.#slots.splice(place, 1)
    slot.connection.release(true)
    if (slot.isKeeper) {
      this.#end(
        new HoldfastError('E_STORE_FAILED', 'the connection that holds the snapshot was lost, and the view with it', {
          hint: 'Open another view; what was read so far can be checked under it.',
        }),
      )
      return
    }
    const replacing = this.#reopen({ signal: this.#ending.signal }).then(
      (connection) => connection && (this.#ended ? connection.release(true) : this.#slots.push(slotOf(connection, false))),
      () => null,
    )
    const settled = replacing.then(() => {
      this.#replacing.delete(settled)
      this.#dispatch()
    })
    this.#replacing.add(settled)
  }

  #end(error: HoldfastError): void {
    this.#ended ??= error
    this.#ending.abort(error)
    this.#dispatch()
  }
}

const slotOf = (connection: PostgresConnection, isKeeper: boolean): Slot => ({ client: connection.client, connection, isKeeper, busy: false })

async function endConnection({ busy, connection }: Slot): Promise<void> {
  if (busy) return connection.release(true)
  const ended = await queryText(connection.client, 'ending the transaction', 'ROLLBACK').then(
    () => true,
    () => false,
  )
  connection.release(!ended)
}
