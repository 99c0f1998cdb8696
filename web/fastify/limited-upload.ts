import type { FastifyRequest } from 'fastify'

/** The file is larger than the routes take. Fastify's own form of such an error, so that it is answered as one. */
function tooLarge(maxBytes: number): Error & { readonly statusCode: number } {
  return Object.assign(new Error(`more than ${maxBytes} bytes`), { statusCode: 413 })
}

/** The bytes of an upload as they come. `failure` is why they stopped, where that is known: whoever reads them may hide it in an error of its own. */
export interface LimitedUpload extends AsyncIterable<Uint8Array> {
  failure(): Error | null
}

/** Reads no more of the body than the routes take. @throws with the status 413, before anything is read where the client says how large it is */
export function limitedUpload({ headers, body }: Pick<FastifyRequest, 'headers' | 'body'>, maxBytes: number): LimitedUpload {
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  let failed: Error | null = null
  return {
    failure: () => failed,
    async *[Symbol.asyncIterator]() {
      let bytes = 0
      for await (const piece of body as AsyncIterable<Uint8Array>) {
        bytes += piece.byteLength
        if (bytes > maxBytes) throw (failed = tooLarge(maxBytes))
        yield piece
      }
    },
  }
}
