import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import { type AbortableOptions, onAbort } from '../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { MysqlClient } from './connections.ts'
import { databaseError } from './database-error.ts'
import type { RowEncoder } from './row-encoder.ts'
import { takeRowPackets } from './row-packets.ts'

export interface ReadRowsOptions extends AbortableOptions {
  /** What is being done, for errors. */
  readonly doing: string
  readonly client: MysqlClient
  readonly sql: string
  readonly encoder: RowEncoder
  /** Makes the server give up the statement. Settles when that has reached it, or cannot; never rejects. */
  readonly cancel: () => Promise<void>
  /** Aborts when the client is closed from this side, which it tells nobody. */
  readonly ending: AbortSignal
}

export interface RowReading extends AsyncIterable<RecordBatch> {
  /** The client takes its next statement. False when it was lost, or does not come to the end of this one. */
  readonly usable: boolean
}

const BATCHES_WAITING = 2
/** How much of a result that is no longer wanted is read to the end before the server is told. */
const DISCARD_BYTES = 8 * 1024 * 1024
/** How long to wait for the end of a statement that was cancelled. */
const CANCEL_MS = 10_000

/**
 * Streams the rows of a statement into batches. With two batches waiting the socket is paused, and with it, soon, the server. A reading that is ended early
 * or aborted reads on to the end of a small result, and has the server cancel a larger one: the transaction, and its snapshot with it, live on.
 */
export function readRows(options: ReadRowsOptions): RowReading {
  const { doing, client, sql, encoder, signal } = options
  const ready: RecordBatch[] = []
  let failure: HoldfastError | undefined
  let running = false
  let lost = false
  let paused = false
  let discarded = 0
  let discarding = false
  let cancelling: Promise<void> | undefined
  let wake: (() => void) | undefined

  const notify = (): void => {
    wake?.()
    wake = undefined
  }
  const resume = (): void => {
    if (!paused) return
    paused = false
    client.resume()
  }
  const discard = (): void => {
    discarding = true
    ready.length = 0
    resume()
  }
  const fail = (error: unknown): void => {
    failure ??= databaseError(doing, error)
    if (running) discard()
    notify()
  }
  const offer = (batches: Iterable<RecordBatch>): void => {
    for (const batch of batches) ready.push(batch)
    if (ready.length >= BATCHES_WAITING && !paused && running) {
      paused = true
      client.pause()
    }
    if (ready.length > 0) notify()
  }
  const onRows = (rows: Uint8Array, alone: number): void => {
    if (discarding) {
      discarded += rows.length
      if (discarded >= DISCARD_BYTES) cancelling ??= options.cancel()
      return
    }
    try {
      offer(encoder.encode(rows, alone))
    } catch (error) {
      fail(error)
    }
  }
  const onLost = (error: unknown): void => {
    lost = true
    running = false
    failure ??= databaseError(doing, error)
    notify()
  }
  const onEnd = (): void => {
    if (!running) return
    running = false
    if (!discarding) offer(encoder.rest())
    notify()
  }
  const start = (): void => {
    running = true
    client.on('error', onLost)
    const command = client.query({ sql, rowsAsArray: true, nestTables: false, namedPlaceholders: false })
    takeRowPackets(command, onRows)
    command.on('error', (error: unknown) => {
      // Of a statement that was cancelled because it was no longer wanted, the error is what was asked for.
      if (!discarding) failure ??= databaseError(doing, error)
      onEnd()
    })
    command.on('end', onEnd)
  }
  /** Waits until the statement is over, or gives the connection up. */
  const finish = async (): Promise<void> => {
    if (running) {
      discard()
      const patience = setTimeout(() => {
        lost = true
        running = false
        notify()
      }, CANCEL_MS)
      const nudge = setTimeout(() => (cancelling ??= options.cancel()), 200)
      while (running) await new Promise<void>((resolve) => (wake = resolve))
      clearTimeout(patience)
      clearTimeout(nudge)
    }
    // A cancellation that comes late would hit the next statement.
    await cancelling
    if (!lost) client.removeListener('error', onLost)
  }

  async function* iterate(): AsyncGenerator<RecordBatch, void, undefined> {
    let aborted = (): void => {}
    let ended = (): void => {}
    try {
      start()
      ended = onAbort(options.ending, onLost)
      aborted = onAbort(signal, (error) => {
        if (running) cancelling ??= options.cancel()
        fail(error)
      })
      while (true) {
        if (failure) throw failure
        const batch = ready.shift()
        if (batch) {
          if (ready.length < BATCHES_WAITING) resume()
          yield batch
        } else if (!running) return
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } catch (error) {
      throw databaseError(doing, error)
    } finally {
      aborted()
      await finish()
      encoder.end()
      ended()
    }
  }

  let started = false
  return {
    get usable() {
      return !lost
    },
    [Symbol.asyncIterator]() {
      if (started) throw new HoldfastError('E_STORE_FAILED', 'a reading can be iterated only once')
      started = true
      return iterate()
    },
  }
}
