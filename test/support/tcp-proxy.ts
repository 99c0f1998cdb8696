import { connect, createServer, type Server, type Socket } from 'node:net'

export type WireFault =
  /** The connection breaks with a reset after so many bytes of the server's answers. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** It ends, as if all had been said. */
  | { readonly kind: 'end'; readonly afterBytes: number }
  /** It stays open, and nothing more comes. */
  | { readonly kind: 'silence'; readonly afterBytes: number }
  /** Answers come in pieces of 1 KiB with a rest between them. */
  | { readonly kind: 'slow'; readonly restMs: number }
  /** Each request is answered with 503 by the proxy itself. */
  | { readonly kind: 'storm'; readonly retryAfterSeconds: number }

export interface TcpProxy {
  readonly port: number
  /** Connections that were opened, and faults that happened. */
  readonly connections: number
  readonly fired: number
  close(): Promise<void>
}

/** Stands on the wire before a real server. `script` is asked with the number of each connection, 1, 2, 3 …, what will happen to it. */
export async function tcpProxy(
  target: { readonly host: string; readonly port: number },
  script: (connection: number) => WireFault | undefined,
): Promise<TcpProxy> {
  const open = new Set<Socket>()
  let connections = 0
  let fired = 0

  const server: Server = createServer((client) => {
    const fault = script(++connections)
    if (fault?.kind === 'storm') {
      client.on('error', () => {})
      client.once('data', () => {
        fired++
        client.end(`HTTP/1.1 503 Service Unavailable\r\nRetry-After: ${fault.retryAfterSeconds}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
      })
      return
    }
    const upstream = connect(target)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.once('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream)
    forward(upstream, client, fault, () => fired++)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    port: address.port,
    get connections() {
      return connections
    },
    get fired() {
      return fired
    },
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function forward(upstream: Socket, client: Socket, fault: WireFault | undefined, onFault: () => void): void {
  if (!fault || fault.kind === 'storm') {
    upstream.pipe(client)
    return
  }
  if (fault.kind === 'slow') {
    void trickle(upstream, client, fault.restMs, onFault)
    return
  }
  let left = fault.afterBytes
  upstream.on('data', (bytes: Buffer) => {
    if (left < 0) return
    client.write(bytes.subarray(0, left))
    left -= bytes.byteLength
    if (left >= 0) return
    onFault()
    if (fault.kind === 'reset') client.resetAndDestroy()
    else if (fault.kind === 'end') client.end()
  })
}

async function trickle(upstream: Socket, client: Socket, restMs: number, onFault: () => void): Promise<void> {
  onFault()
  try {
    for await (const bytes of upstream as AsyncIterable<Buffer>) {
      for (let at = 0; at < bytes.byteLength; at += 1024) {
        client.write(bytes.subarray(at, at + 1024))
        await new Promise((resolve) => setTimeout(resolve, restMs))
      }
    }
    client.end()
  } catch {
    client.destroy() // the line is gone; whoever reads from it sees that
  }
}
