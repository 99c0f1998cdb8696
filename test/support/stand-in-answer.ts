import type { ServerResponse } from 'node:http'

/** What a stand-in for a provider's server answers. */
export interface StandInAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: Buffer | string
  /** Bytes of the body after which the connection is cut, or nothing more comes. */
  readonly cutAt?: number
  readonly stallAt?: number
}

export function send(response: ServerResponse, { status, headers = {}, body = '', cutAt, stallAt }: StandInAnswer, isHead: boolean): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, { ...headers, 'content-length': bytes.byteLength })
  if (isHead) response.end()
  else if (cutAt !== undefined) response.write(bytes.subarray(0, cutAt), () => response.destroy())
  else if (stallAt !== undefined) response.write(bytes.subarray(0, stallAt))
  else response.end(bytes)
}
