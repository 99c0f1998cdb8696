import { type AbortableOptions, onAbort } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { CopyClient, CopyConnection, CopySubmittable } from './copy-client.ts'
import { isServerError, storeFailed } from './copy-error.ts'
import type { CopyProgram } from '../../transcoder/copy-program.ts'
import { LineDecoder } from './line-decoder.ts'

/** A column that is not in the record: its 1-based number in the stream, or the same text (or NULL) for every row. */
export type AppendedColumn = 'line-number' | { readonly constant: string | null }

export interface CopyInOptions extends AbortableOptions {
  /** Property paths to send; columns stand in record order. The others are checked and left out. Default: all fields but computed ones. */
  readonly send?: readonly string[]
  /** Columns behind those of the record, in this order. Default none. */
  readonly append?: readonly AppendedColumn[]
  /** Number of the first line, for `line-number` columns and `E_RECORD`. Default 1. */
  readonly firstLine?: number
  /** Called with the records sent so far, after each piece of about 64 KiB. */
  readonly onProgress?: (rows: number) => void
}

export interface CopyInResult {
  /** Rows that the server says it copied. Less than `sent` only when a trigger refused some. */
  readonly rows: number
  readonly sent: number
}

/**
 * Streams record lines into `COPY … FROM STDIN` (text format). `sql` must name the columns of `send` (in record order), then those of `append`.
 * Pieces of `lines` may be cut anywhere, also inside a line; the last line must end in 0x0A.
 *
 * Lines are checked strictly: every field, in order, canonical JSON without white space. The first that is not stops the copy: the server is
 * told to roll it back (`CopyFail`), its answer is awaited, then `E_RECORD` is thrown with `details` `{ line, field }` and no values.
 * The client is usable afterwards; a transaction around the copy is aborted, as after any failed statement. Only when the server does not
 * answer within 5 s is the socket closed.
 *
 * @throws `E_RECORD`; `E_STORE_FAILED` with the native error as cause (`copyErrorLocation` tells the row, counted from 1); `E_ABORTED`;
 *   whatever `lines` throws, unchanged; `E_MAPPING` for a path in `send` that is no field.
 */
export async function copyIn(
  client: CopyClient,
  sql: string,
  program: CopyProgram,
  lines: AsyncIterable<Uint8Array>,
  options: CopyInOptions = {},
): Promise<CopyInResult> {
  const decoder = new LineDecoder(program, { sent: sentFields(program, options.send), appended: options.append ?? [], firstLine: options.firstLine ?? 1 })
  const query = new CopyInQuery(client, sql)
  const stopListening = onAbort(options.signal, (error) => query.interrupt(error))
  try {
    await query.start()
    const pieces = lines[Symbol.asyncIterator]()
    try {
      while (true) {
        const { done, value } = await query.unlessOver(pieces.next())
        if (done) break
        for (const message of decoder.messages(value)) {
          await query.write(message)
          options.onProgress?.(decoder.rows)
        }
      }
    } catch (error) {
      // The source is told, but a source that hangs must not keep the server waiting.
      void Promise.resolve(pieces.return?.()).catch(() => {})
      throw error
    }
    decoder.finish()
    return { rows: await query.finish(), sent: decoder.rows }
  } catch (error) {
    await query.cancel()
    throw error
  } finally {
    stopListening()
  }
}

function sentFields(program: CopyProgram, send: readonly string[] | undefined): ReadonlySet<number> {
  const unknown = (send ?? []).filter((path) => !program.fields.some((field) => field.path === path))
  if (unknown.length > 0) throw new HoldfastError('E_MAPPING', `there are no fields ${unknown.join(', ')} to send`)
  const wanted = send ? new Set(send) : undefined
  return new Set(program.fields.flatMap((field, index) => ((wanted ? wanted.has(field.path) : field.generation !== 'computed') ? [index] : [])))
}

const ANSWER_MS = 5000
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4])

class CopyInQuery implements CopySubmittable {
  /** `pg` puts its `query_timeout` here. */
  callback?: () => void
  readonly #client: CopyClient
  readonly #sql: string
  #connection: CopyConnection | undefined
  /** `new` → `asked` (query sent) → `open` (the server reads) → `closed` (all sent, or CopyFail) → `over`. */
  #state: 'new' | 'asked' | 'open' | 'closed' | 'over' = 'new'
  #counted: number | undefined
  #failure: HoldfastError | undefined
  /** Ends the wait that `copyIn` is in. */
  #reject: ((error: HoldfastError) => void) | undefined
  #wake: (() => void) | undefined

  constructor(client: CopyClient, sql: string) {
    this.#client = client
    this.#sql = sql
  }

  /** Sends the query and waits until the server reads. */
  async start(): Promise<void> {
    if (this.#failure) throw this.#failure
    this.#client.on('error', this.#ignore)
    this.#client.query(this)
    await this.#until(() => this.#state === 'open')
  }

  /** The promise's value, or the failure of the copy when that comes first. */
  async unlessOver<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => {})
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject
      if (this.#failure) reject(this.#failure)
      else promise.then(resolve, reject)
    })
  }

  async write(message: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure
    const { stream } = this.#connection!
    if (stream.write(message)) return
    let drained: () => void = () => {}
    const drain = new Promise<void>((resolve) => (drained = resolve))
    stream.on('drain', drained)
    try {
      await this.unlessOver(drain)
    } finally {
      stream.removeListener('drain', drained)
    }
  }

  /** Ends the data and waits for the server's count. */
  async finish(): Promise<number> {
    this.#state = 'closed'
    this.#connection!.stream.write(COPY_DONE)
    await this.#until(() => this.#state === 'over')
    return this.#counted!
  }

  /** Has the server roll the copy back, and waits until the client can be used or is gone. */
  async cancel(): Promise<void> {
    this.#failure ??= new HoldfastError('E_STORE_FAILED', 'the copy was cancelled')
    if (this.#state === 'new') {
      // Never asked, or still behind other queries of this client: `submit` will send nothing.
      this.#client.removeListener('error', this.#ignore)
      return
    }
    if (this.#state === 'open') {
      this.#state = 'closed'
      this.#connection!.sendCopyFail('cancelled by the client')
    }
    const timer = setTimeout(() => this.#connection?.stream.destroy(), ANSWER_MS)
    while (this.#state !== 'over') await new Promise<void>((resolve) => (this.#wake = resolve))
    clearTimeout(timer)
  }

  interrupt(error: HoldfastError): void {
    this.#failure ??= error
    // Before the server reads there is nothing to tell it: it may wait for a lock that never comes.
    if (this.#state === 'asked') this.#connection!.stream.destroy()
    this.#reject?.(this.#failure)
    this.#notify()
  }

  submit(connection: CopyConnection): Error | undefined {
    if (this.#failure) return this.#failure
    this.#connection = connection
    this.#state = 'asked'
    connection.query(this.#sql)
    return undefined
  }

  handleCopyInResponse(): void {
    this.#state = 'open'
    this.#notify()
  }

  handleError(error: Error): void {
    // The connection broke, or a query_timeout passed: the server may still be reading, so nothing else can be sent.
    if (this.#connection && !isServerError(error)) this.#connection.stream.destroy()
    this.#over(storeFailed('COPY FROM', error))
  }

  handleCommandComplete(message: { readonly text?: string }): void {
    const counted = /^COPY (\d+)/.exec(message.text ?? '')
    if (counted) this.#counted = Number(counted[1])
  }

  handleReadyForQuery(): void {
    const answered = this.#state === 'closed' && this.#counted !== undefined
    this.#over(answered ? undefined : new HoldfastError('E_STORE_FAILED', 'the statement is no COPY … FROM STDIN'))
  }

  // What other statements are answered with; `handleReadyForQuery` says that this is none of them.
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyData(): void {}

  #over(failure: HoldfastError | undefined): void {
    this.#state = 'over'
    this.#failure ??= failure
    this.callback?.()
    this.#client.removeListener('error', this.#ignore)
    if (this.#failure) this.#reject?.(this.#failure)
    this.#notify()
  }

  async #until(reached: () => boolean): Promise<void> {
    while (!reached()) {
      if (this.#failure) throw this.#failure
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    if (this.#failure) throw this.#failure
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** A connection that breaks tells its client's listeners and then this query; a client without listeners would end the process. */
  readonly #ignore = (): void => {}
}
