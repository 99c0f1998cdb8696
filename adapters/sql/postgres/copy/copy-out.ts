import type { RecordBatch } from '../../../../src/contracts/record-batch.ts'
import { type AbortableOptions, onAbort } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { freeBytes } from '../../../../src/kernel/free-bytes.ts'
import type { CopyClient, CopyConnection, CopySocket, CopySubmittable, SocketListener } from './copy-client.ts'
import { isServerError, storeFailed } from './copy-error.ts'
import type { CopyProgram } from '../../transcoder/copy-program.ts'
import { NAP_MS, ReadPace } from './read-pace.ts'
import { RowEncoder, type ServerMessage } from './row-encoder.ts'

export interface CopyOutOptions extends AbortableOptions {
  /** A batch is handed over with the line that makes it this long or longer. Default 1 MiB. */
  readonly batchBytes?: number
}

/** A running COPY. Iterate it once, to the end or not; then `connection` says what became of the client. */
export interface CopyOut extends AsyncIterable<RecordBatch> {
  /**
   * `busy` while the copy runs. `ready`: the client takes its next query, in the same transaction (which the server's own error has aborted, if it was that).
   * `destroyed`: the socket was closed; release the client as broken (`client.release(true)`), its transaction is gone.
   */
  readonly connection: 'busy' | 'ready' | 'destroyed'
}

/**
 * Streams `COPY … TO STDOUT` (text format) and yields its rows as record lines. The query is sent when iteration begins.
 *
 * `sql` must select exactly the fields of the program, in its order, under the pinned output settings (`DateStyle` ISO, `bytea_output` hex,
 * `client_encoding` UTF8, `extra_float_digits` ≥ 1, `IntervalStyle` postgres).
 *
 * Backpressure reaches the server: with two batches waiting, the socket is paused. Ending the iteration early reads on for at most 16 MiB or
 * 2 s to reach the end of the copy, so that the connection stays usable, and closes the socket otherwise. An abort closes it at once, unless
 * the query was not sent yet.
 *
 * @throws `E_STORE_FAILED` with the native error as cause; `E_SCHEMA_DRIFT` when a row is not what the program says; `E_ABORTED`.
 */
export function copyOut(client: CopyClient, sql: string, program: CopyProgram, options: CopyOutOptions = {}): CopyOut {
  return new CopyOutQuery(client, sql, program, options)
}

const BATCH_BYTES = 1024 * 1024
const BATCHES_WAITING = 2
const DISCARD_BYTES = 16 * 1024 * 1024
const DISCARD_MS = 2000

const COPY_OUT_RESPONSE = 0x48 // H
const COPY_DONE = 0x63 // c
/** Notice, ParameterStatus, NotificationResponse: may come at any time and are for `pg`. */
const ASYNCHRONOUS = new Set([0x4e, 0x53, 0x41])

const paces = new WeakMap<CopySocket, ReadPace>()

function paceOf(socket: CopySocket): ReadPace {
  let pace = paces.get(socket)
  if (!pace) paces.set(socket, (pace = new ReadPace()))
  return pace
}

class CopyOutQuery implements CopyOut, CopySubmittable {
  connection: 'busy' | 'ready' | 'destroyed' = 'busy'
  /** `pg` puts its `query_timeout` here. */
  callback?: () => void
  readonly #client: CopyClient
  readonly #sql: string
  readonly #program: CopyProgram
  readonly #options: CopyOutOptions
  readonly #encoder: RowEncoder
  readonly #ready: RecordBatch[] = []
  /** `pg`'s own listeners on the socket, held back while the copy runs. */
  #held: SocketListener[] | undefined
  #socket: CopySocket | undefined
  /** The consumer is behind. */
  #paused = false
  /** Reading rests until this fires, so that more comes at once. */
  #nap: NodeJS.Timeout | undefined
  #pace = new ReadPace()
  #started = false
  /** The server said how many rows it sent. */
  #counted: number | undefined
  #failure: HoldfastError | undefined
  /** Bytes that may still be read and thrown away; undefined while they are wanted. */
  #discard: number | undefined
  #wake: (() => void) | undefined

  constructor(client: CopyClient, sql: string, program: CopyProgram, options: CopyOutOptions) {
    this.#client = client
    this.#sql = sql
    this.#program = program
    this.#options = options
    this.#encoder = new RowEncoder(program, options.batchBytes ?? BATCH_BYTES)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RecordBatch, void, undefined> {
    if (this.#started) throw new HoldfastError('E_STORE_FAILED', 'a COPY can be iterated only once')
    this.#started = true
    const stopListening = onAbort(this.#options.signal, (error) => this.#fail(error))
    try {
      if (!this.#failure) {
        this.#client.on('error', this.#ignore)
        this.#client.query(this)
      } else this.connection = 'ready'
      while (true) {
        if (this.#failure) throw this.#failure
        const batch = this.#ready.shift()
        if (batch) {
          this.#resume()
          yield batch
        } else if (this.connection !== 'busy') return
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      stopListening()
      await this.#leave()
      this.#encoder.end()
    }
  }

  submit(connection: CopyConnection): Error | undefined {
    // Nothing was sent: `pg` goes on with the next query.
    if (this.#failure) return this.#failure
    this.#socket = connection.stream
    this.#pace = paceOf(this.#socket)
    this.#pace.begin()
    this.#held = this.#socket.listeners('data') as SocketListener[]
    for (const listener of this.#held) this.#socket.removeListener('data', listener)
    this.#socket.on('data', this.#onData)
    connection.query(this.#sql)
    return undefined
  }

  handleError(error: Error): void {
    this.#handBack()
    this.#failure ??= storeFailed('COPY TO', error)
    // An error that is not the server's (the connection broke, a query_timeout passed) leaves the server's answer to come at any time.
    const usable = this.#socket === undefined || (isServerError(error) && error.severity !== 'FATAL' && error.severity !== 'PANIC')
    if (!usable) this.#socket?.destroy()
    this.#settle(usable && this.#socket?.destroyed !== true ? 'ready' : 'destroyed')
  }

  handleCommandComplete(message: { readonly text?: string }): void {
    const counted = /^COPY (\d+)/.exec(message.text ?? '')
    if (counted) this.#counted = Number(counted[1])
  }

  handleReadyForQuery(): void {
    if (this.#counted === undefined || this.#held) this.#failure ??= new HoldfastError('E_STORE_FAILED', 'the statement is no COPY … TO STDOUT')
    else if (this.#counted !== this.#encoder.rows)
      this.#failure ??= new HoldfastError('E_STORE_FAILED', `COPY sent ${this.#encoder.rows} rows of ${this.#counted}`)
    this.#handBack()
    this.#settle('ready')
  }

  // What other statements are answered with; `handleReadyForQuery` says that this is none of them.
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyData(): void {}
  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFail('COPY TO was expected')
  }

  readonly #onData = (chunk: Uint8Array): void => {
    try {
      if (this.#discard !== undefined && (this.#discard -= chunk.length) < 0) throw new HoldfastError('E_STORE_FAILED', 'the rest of the copy was not wanted')
      const { length } = chunk
      this.#encoder.feed(chunk)
      freeBytes(chunk) // half of all runs of the garbage collector during an export; nobody else listens to the socket now
      while (true) {
        const step = this.#encoder.step()
        if (step === 'input') return this.#rest(length)
        if (step === 'batch') this.#offer()
        else {
          const message = this.#encoder.message()
          if (!message || this.#isLast(message)) return
        }
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Deals with a message that is not CopyData. True when the copy is over and `pg` has taken the connection back. */
  #isLast(message: ServerMessage): boolean {
    const { code, bytes } = message
    if (code === COPY_OUT_RESPONSE) {
      const columns = (bytes[6]! << 8) | bytes[7]!
      if (bytes[5] !== 0 || columns !== this.#program.fields.length) {
        throw new HoldfastError(
          'E_STORE_FAILED',
          `COPY sends ${columns} columns${bytes[5] === 0 ? '' : ' in binary'}, the record has ${this.#program.fields.length} fields`,
        )
      }
      return false
    }
    if (ASYNCHRONOUS.has(code)) {
      for (const listener of this.#held ?? []) listener.call(this.#socket, bytes)
      return false
    }
    if (code === COPY_DONE) this.#offer()
    this.#handBack(code === COPY_DONE ? this.#encoder.rest() : Buffer.concat([bytes, this.#encoder.rest()]))
    return true
  }

  #offer(): void {
    const batch = this.#encoder.batch()
    if (!batch || this.#discard !== undefined) return
    this.#ready.push(batch)
    if (this.#ready.length >= BATCHES_WAITING && this.#held && !this.#paused) {
      this.#paused = true
      this.#pace.disturbed()
      this.#socket!.pause()
    }
    this.#notify()
  }

  #resume(): void {
    if (!this.#paused || this.#ready.length >= BATCHES_WAITING) return
    this.#paused = false
    if (!this.#nap) this.#socket!.resume()
  }

  #rest(chunkBytes: number): void {
    if (this.#paused || this.#nap || !this.#pace.rests(chunkBytes)) return
    this.#socket!.pause()
    this.#nap = setTimeout(() => {
      this.#nap = undefined
      if (!this.#paused) this.#socket!.resume()
    }, NAP_MS)
  }

  /** Gives the socket back to `pg`, with what was read beyond the copy. */
  #handBack(rest?: Uint8Array): void {
    const held = this.#held
    if (!held || !this.#socket) return
    this.#held = undefined
    this.#socket.removeListener('data', this.#onData)
    for (const listener of held) this.#socket.on('data', listener)
    if (rest && rest.length > 0) for (const listener of held) listener.call(this.#socket, rest)
    this.#paused = false
    clearTimeout(this.#nap)
    this.#nap = undefined
    this.#socket.resume()
  }

  /** Ends the copy from this side: closes the socket, if anything was sent on it. */
  #fail(error: unknown): void {
    this.#failure ??= storeFailed('COPY TO', error)
    this.#ready.length = 0
    if (this.#socket && this.connection === 'busy') {
      this.#settle('destroyed')
      this.#handBack()
      this.#socket.destroy()
    } else this.#notify()
  }

  #settle(connection: 'ready' | 'destroyed'): void {
    if (this.connection === 'busy') this.connection = connection
    this.callback?.()
    if (connection === 'ready') this.#client.removeListener('error', this.#ignore)
    this.#notify()
  }

  /** Leaves the connection in a state that can be told. */
  async #leave(): Promise<void> {
    if (this.connection !== 'busy') return
    if (!this.#socket) {
      // Still behind other queries of this client: `submit` will send nothing.
      this.#failure ??= new HoldfastError('E_STORE_FAILED', 'the copy was not wanted')
      this.#settle('ready')
      return
    }
    this.#discard = DISCARD_BYTES
    this.#ready.length = 0
    this.#resume()
    const timer = setTimeout(() => this.#fail(new HoldfastError('E_STORE_FAILED', 'the rest of the copy was not wanted')), DISCARD_MS)
    while (this.connection === 'busy') await new Promise<void>((resolve) => (this.#wake = resolve))
    clearTimeout(timer)
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** A connection that breaks tells its client's listeners and then this query; a client without listeners would end the process. */
  readonly #ignore = (): void => {}
}
