import { once } from 'node:events'
import { createServer, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { type RouteContext, whileWanted } from '../../web/fastify/route-context.ts'

const wanted = (raw: ServerResponse) => whileWanted({ closing: new AbortController().signal } as RouteContext, { raw } as never)

it('wants nothing for a client that left before its route was asked, or after it', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }).on('error', () => {})
  const asked = once(server, 'request') as Promise<[unknown, ServerResponse]>
  client.end()
  const [, raw] = await asked
  const before = wanted(raw)
  expect(before.aborted).toBe(false)
  const closed = once(raw, 'close')
  client.destroy()
  await closed
  expect(before.aborted).toBe(true)
  expect(wanted(raw).aborted).toBe(true)
  server.close()
  await once(server, 'close')
})
