import Fastify, { type FastifyServerOptions } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { EventStreams } from '../../web/fastify/event-streams.ts'
import type { HoldfastRoutesOptions } from '../../web/fastify/index.ts'
import { fastifyRig, type FastifyRig, until } from '../support/fastify-rig.ts'
import type { InMemoryStore } from '../support/in-memory-store.ts'
import { shopStore } from '../support/shop-store.ts'

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

interface Followed {
  readonly rig: FastifyRig
  readonly id: string
  /** Lets the backup, which stands still before its first batch, go on. */
  readonly release: () => void
}

/** A running backup. `batchMs`: how long each of its 200 batches takes once it goes on. */
async function runningBackup(events: HoldfastRoutesOptions['events'] = {}, batchMs = 0, server: FastifyServerOptions = {}): Promise<Followed> {
  const store: InMemoryStore = shopStore(1000)
  const gate = Promise.withResolvers<void>()
  store.step = async ({ call }) => {
    if (call !== 'read') return
    await gate.promise
    if (batchMs > 0) await new Promise((resolve) => setTimeout(resolve, batchMs))
  }
  const rig = await fastifyRig({ store, routes: { events }, server })
  closing.push(async () => {
    gate.resolve()
    await rig.close()
  })
  const { body } = await rig.request('POST', '/backups', { body: { plan: 'shop' } })
  return { rig, id: body.id!, release: () => gate.resolve() }
}

describe('events of a running session', () => {
  it('come at most four times a second, in order, and end with the end', async () => {
    const { rig, id, release } = await runningBackup({}, 8)
    const client = await rig.events(`/backups/${id}/events`, { as: 'reader' })
    expect(client.response.status).toBe(200)
    expect(client.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(client.response.headers.get('cache-control')).toBe('no-cache, no-transform')
    release()
    await client.ended

    const { events } = client
    const progress = events.slice(0, -1)
    expect(progress.length).toBeGreaterThanOrEqual(4)
    expect(progress.every(({ event }) => event === 'progress')).toBe(true)
    // By the server's clock, taken up to an interval before the event went out: the client's own are at the mercy of the machine.
    const [first, last] = [progress[0]!, progress.at(-1)!].map(({ data }) => Number(data.elapsedMs))
    expect(progress.length).toBeLessThanOrEqual((last! - first!) / 250 + 2)
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => events[0]!.id + index))
    const percents = progress.map(({ data }) => Number(data.percent))
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
    expect(events.at(-1)).toMatchObject({ event: 'end', data: { state: 'done', error: null, progress: { percent: 100, records: 2000 } } })
  })

  it('are the same for all clients, and come again to whoever says what it has', async () => {
    const { rig, id, release } = await runningBackup({}, 8)
    const path = `/backups/${id}/events`
    const whole = await rig.events(path)
    const lost = await rig.events(path)
    release()
    await until('two events came', () => lost.events.length >= 2)
    lost.leave()
    const last = lost.events.at(-1)!.id
    await until('more events came', () => (whole.events.at(-1)?.id ?? 0) >= last + 3)

    const back = await rig.events(path, { headers: { 'last-event-id': String(last) } })
    await Promise.all([whole.ended, back.ended])
    const missed = whole.events.filter((event) => event.id > last)
    expect(missed.length).toBeGreaterThanOrEqual(4)
    expect(back.events.map(({ id: event, event: kind, data }) => ({ event, kind, data }))).toEqual(
      missed.map(({ id: event, event: kind, data }) => ({ event, kind, data })),
    )

    const end = whole.events.at(-1)!.id
    const late = await rig.events(path, { headers: { 'last-event-id': String(end - 1) } })
    await late.ended
    expect(late.events).toMatchObject([{ id: end, event: 'end' }])
    const nothing = await rig.events(path, { headers: { 'last-event-id': String(end) } })
    expect(nothing.response.status).toBe(204)
  })

  it('are of the resumed session for a client that has those of the paused one', async () => {
    const { rig, id, release } = await runningBackup()
    const path = `/backups/${id}/events`
    const first = await rig.events(path)
    const pausing = rig.request('POST', `/backups/${id}/pause`)
    await until('it is pausing', async () => (await rig.request('GET', `/backups/${id}`)).body.state === 'pausing')
    release()
    const { token } = (await pausing).body
    await first.ended
    expect(first.events.at(-1)).toMatchObject({ event: 'end', data: { state: 'paused' } })

    await rig.request('POST', '/backups/resume', { body: { token } })
    const second = await rig.events(path, { headers: { 'last-event-id': String(first.events.at(-1)!.id) } })
    await second.ended
    expect(second.events.at(-1)).toMatchObject({ event: 'end', data: { state: 'done' } })
    expect(second.events[0]!.id).toBeGreaterThan(first.events.at(-1)!.id)
  })

  it('are interspersed with heartbeats', async () => {
    const { rig, id } = await runningBackup({ heartbeatMs: 100 })
    const client = await rig.events(`/backups/${id}/events`)
    await until('heartbeats came', () => client.comments.length >= 5)
    expect(new Set(client.comments)).toEqual(new Set(['heartbeat']))
  })
})

describe('clients of events', () => {
  it('are limited, and leave room when they go', async () => {
    const { rig, id } = await runningBackup({ maxClients: 2 })
    const path = `/backups/${id}/events`
    const clients = [await rig.events(path), await rig.events(path)]
    const refused = await rig.request('GET', path)
    expect(refused).toMatchObject({ status: 503, body: { code: 'E_BUSY', retryable: true } })
    expect(refused.headers.get('retry-after')).toBe('5')
    expect((await rig.request('GET', `/backups/${id}`)).status).toBe(200)

    for (const client of clients) client.leave()
    await until('there is room', async () => {
      const client = await rig.events(path)
      await until('it is answered', () => client.events.length > 0 || client.response.status !== 200)
      return client.response.status === 200
    })
    // The backup does not care who watches.
    expect((await rig.request('GET', `/backups/${id}`)).body.state).toBe('running')
  })

  it('leave room at once, also when nothing would be sent to them for a long time', async () => {
    const silent = { onProgress: () => () => {}, result: () => new Promise<never>(() => {}) }
    const streams = new EventStreams({ intervalMs: 250, heartbeatMs: 600_000, maxClients: 1 })
    const app = Fastify({ forceCloseConnections: true })
    app.get('/', (_request, reply) => {
      streams.send(reply, silent, undefined)
    })
    app.addHook('preClose', async () => streams.close())
    closing.push(() => app.close())
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const client = new AbortController()
    expect((await fetch(url, { signal: client.signal })).status).toBe(200)
    expect((await fetch(url)).status).toBe(500) // E_BUSY, without the error handler of the routes
    client.abort()
    await until('there is room', async () => (await fetch(url, { signal: AbortSignal.timeout(5000) })).status === 200)
  })

  it('are let go when the server closes', async () => {
    const { rig, id, release } = await runningBackup({}, 0, { forceCloseConnections: 'idle' })
    const clients = [await rig.events(`/backups/${id}/events`), await rig.events(`/backups/${id}/events`)]
    await until('events came', () => clients.every(({ events }) => events.length > 0))
    const closed = rig.close()
    await Promise.all(clients.map(({ ended }) => ended))
    release()
    await closed
    expect(rig.holdfast.backups.session(id)!.state).toBe('paused')
  })

  it('leave nothing behind', async () => {
    const resources = () => process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length
    const before = resources()
    const { rig, id, release } = await runningBackup({ heartbeatMs: 600_000 })
    const client = await rig.events(`/backups/${id}/events`)
    const leaver = await rig.events(`/backups/${id}/events`)
    await until('events came', () => client.events.length > 0)
    leaver.leave()
    expect(resources()).toBeGreaterThan(before)
    release()
    await rig.close()
    await until('timers and sockets are gone', () => resources() <= before)
  })

  it('get a stream by GET only, of sessions that this process runs, with ids that are ids', async () => {
    const { rig, id } = await runningBackup()
    expect((await rig.request('HEAD', `/backups/${id}/events`)).status).toBe(404)
    expect(await rig.request('GET', `/backups/${uuidv7()}/events`)).toMatchObject({ status: 404, body: { code: 'E_SESSION_UNKNOWN' } })
    expect(await rig.request('GET', `/restores/${id}/events`)).toMatchObject({ status: 404, body: { code: 'E_SESSION_UNKNOWN' } })
    expect(await rig.request('GET', `/backups/${id}/events`, { headers: { 'last-event-id': '12; DROP' } })).toMatchObject({
      status: 400,
      body: { code: 'E_REQUEST', details: { part: 'headers' } },
    })
  })
})
