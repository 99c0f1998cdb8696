import { HoldfastError } from '../../src/kernel/errors.ts'
import type { CloudRange } from './cloud-driver.ts'

/** Longest silence in the middle of a body. */
const IDLE_MS = 30_000

/**
 * The bytes of an answer, which must be as many as were announced: a connection that ends early looks like the end of the body to some clients. Allocated once, in the
 * announced size. A body of which nothing comes for `idleMs` is given up, long before the whole try would be.
 */
export async function readBody(stream: AsyncIterable<Uint8Array | string>, bytes: number, what: string, idleMs = IDLE_MS): Promise<Buffer> {
  const body = Buffer.allocUnsafeSlow(bytes)
  let filled = 0
  const pieces = stream[Symbol.asyncIterator]()
  for (;;) {
    const { done, value: piece } = await nextPiece(stream, pieces, idleMs, what)
    if (done) break
    const wrong =
      typeof piece === 'string' ? 'the client decodes the body as text' : filled + piece.byteLength > bytes ? `more than the announced ${bytes} bytes came` : ''
    if (typeof piece === 'string' || wrong !== '') {
      await pieces.return?.()
      throw new HoldfastError('E_STORAGE', `${what}: ${wrong}`)
    }
    body.set(piece, filled)
    filled += piece.byteLength
  }
  if (filled !== bytes) throw new HoldfastError('E_STORAGE', `${what}: ${filled} of ${bytes} bytes came`)
  return body
}

async function nextPiece<T>(stream: AsyncIterable<T>, pieces: AsyncIterator<T>, idleMs: number, what: string): Promise<IteratorResult<T>> {
  const { promise: silent, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const error = new HoldfastError('E_STORAGE', `${what}: nothing of its body came for ${idleMs} ms`, { details: { timeoutMs: idleMs } })
    // The iterator cannot be told while it waits; what it reads from can.
    if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy(error)
    reject(error)
  }, idleMs)
  try {
    return await Promise.race([pieces.next(), silent])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * That the answer is the range that was asked for: a server, or a proxy before it, that ignores or mistakes the header sends other bytes, perhaps as many. Past the end
 * of the object it is cut off, which only the whole length in `Content-Range` proves. Without that header the answer is the whole object.
 */
export function assertRangeKept(name: string, asked: CloudRange, contentRange: string | undefined, bytes: number): void {
  if (contentRange === undefined && bytes === 0) return // of an empty object any range is empty
  const found = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(contentRange ?? `bytes 0-${bytes - 1}/${bytes}`)
  const end = found && Number(found[2]) + 1
  const expected = found && found[3] !== '*' ? Math.min(asked.end, Number(found[3])) : asked.end
  if (found && Number(found[1]) === asked.start && end === expected && end - asked.start === bytes) return
  throw new HoldfastError(
    'E_CAPABILITY',
    `reading a range needs rangeRead, which the storage of ${name} does not keep: bytes ${asked.start}-${asked.end - 1} were asked for, ${bytes} bytes of ${contentRange === undefined ? 'the whole object' : JSON.stringify(contentRange.slice(0, 80))} came`,
    {
      hint: 'Check what stands between here and the storage: some proxies drop the header.',
      details: { missing: ['rangeRead'] },
    },
  )
}
