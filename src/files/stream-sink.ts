import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type AbortableOptions, abortError, onAbort } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { ByteSink } from './byte-sink.ts'

/** A stream of the caller's. It is ended when all is written, and destroyed when it is not: half an export must not look like a whole one. */
export function streamSink(stream: Writable, { signal }: AbortableOptions): ByteSink {
  const failed = (error: unknown) =>
    isHoldfastError(error)
      ? error
      : new HoldfastError('E_STORAGE', `writing the stream failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  let broken: unknown
  stream.on('error', (error) => (broken ??= error))
  stream.on('close', () => {
    if (!stream.writableFinished) broken ??= new Error('it was closed before all was written')
  })
  return {
    name: 'stream',
    async write(bytes) {
      if (broken !== undefined) throw failed(broken)
      if (signal?.aborted) throw abortError(signal)
      // The stream may keep the bytes for longer than whoever gave them.
      if (stream.write(Buffer.from(bytes))) return
      await new Promise<void>((resolve, reject) => {
        const settle = (act: () => void) => {
          stop()
          stream.off('drain', drained).off('error', broke).off('close', closed)
          act()
        }
        const drained = () => settle(resolve)
        const broke = (error: Error) => settle(() => reject(failed(error)))
        const closed = () => settle(() => reject(failed(broken)))
        stream.once('drain', drained).once('error', broke).once('close', closed)
        const stop = onAbort(signal, (error) => settle(() => reject(error)))
      })
    },
    async finish() {
      if (broken !== undefined) throw failed(broken)
      stream.end()
      await finished(stream, signal ? { signal } : {}).catch((error: unknown) => {
        throw signal?.aborted ? abortError(signal) : failed(error)
      })
    },
    async abort(error) {
      stream.destroy(error instanceof Error ? error : undefined)
    },
  }
}
