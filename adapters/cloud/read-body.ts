import { HoldfastError } from '../../src/kernel/errors.ts'

/**
 * The bytes of an answer, which must be as many as were announced: a connection that ends early looks like the end of the body to some clients. Allocated once, in the
 * announced size.
 */
export async function readBody(stream: AsyncIterable<Uint8Array | string>, bytes: number, what: string): Promise<Buffer> {
  const body = Buffer.allocUnsafeSlow(bytes)
  let filled = 0
  for await (const piece of stream) {
    if (typeof piece === 'string') throw new HoldfastError('E_STORAGE', `${what}: the client decodes the body as text`)
    if (filled + piece.byteLength > bytes) throw new HoldfastError('E_STORAGE', `${what}: more than the announced ${bytes} bytes came`)
    body.set(piece, filled)
    filled += piece.byteLength
  }
  if (filled !== bytes) throw new HoldfastError('E_STORAGE', `${what}: ${filled} of ${bytes} bytes came`)
  return body
}

/** A range of an object that the answer must have been cut to: from a server that ignores ranges the whole object would come. */
export function assertRangeKept(name: string, asked: number, came: number): void {
  if (came > asked)
    throw new HoldfastError(
      'E_CAPABILITY',
      `reading a range needs rangeRead, which the storage of ${name} does not keep: ${asked} bytes were asked for, ${came} came`,
      {
        hint: 'Check what stands between here and the storage: some proxies drop the header.',
        details: { missing: ['rangeRead'] },
      },
    )
}
