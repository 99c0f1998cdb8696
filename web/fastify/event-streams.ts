import type { FastifyReply } from 'fastify'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { type FollowedSession, SessionEvents } from './session-events.ts'
import { eventStream } from './sse.ts'

export interface EventStreamLimits {
  readonly intervalMs: number
  readonly heartbeatMs: number
  readonly maxClients: number
}

/** The event streams that one registration of the routes serves. */
export class EventStreams {
  readonly #limits: EventStreamLimits
  readonly #logs = new WeakMap<FollowedSession, SessionEvents>()
  readonly #recording = new Set<SessionEvents>()
  readonly #clients = new Set<AbortController>()
  #closed = false

  constructor(limits: EventStreamLimits) {
    this.#limits = limits
  }

  /** Answers with the events of the session. 204, which tells an `EventSource` not to come back, when the client has them all. @throws `E_BUSY` */
  send(reply: FastifyReply, session: FollowedSession, lastEventId: string | undefined): FastifyReply {
    const after = lastEventId === undefined ? null : Number(lastEventId)
    const events = this.#eventsOf(session)
    if (after !== null && events.isOverAfter(after)) return reply.code(204).send()
    if (this.#closed || this.#clients.size >= this.#limits.maxClients) {
      reply.header('retry-after', '5')
      throw new HoldfastError('E_BUSY', `${this.#clients.size} event streams are open, and no more are allowed`)
    }
    const client = new AbortController()
    this.#clients.add(client)
    const stream = eventStream(events, { after, heartbeatMs: this.#limits.heartbeatMs, signal: client.signal })
    const leave = () => {
      this.#clients.delete(client)
      client.abort()
    }
    // The response, because a stream that waits for its next event closes only after it; the stream, because a response that is injected never closes.
    reply.raw.once('close', leave)
    stream.once('close', leave)
    return reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-cache, no-transform')
      .header('x-accel-buffering', 'no')
      .send(stream)
  }

  /** Ends all streams, so that the server can close. */
  close(): void {
    this.#closed = true
    for (const client of this.#clients) client.abort()
    for (const events of this.#recording) events.stop()
  }

  #eventsOf(session: FollowedSession): SessionEvents {
    const known = this.#logs.get(session)
    if (known) return known
    const events: SessionEvents = new SessionEvents(session, { intervalMs: this.#limits.intervalMs, onStop: () => this.#recording.delete(events) })
    this.#recording.add(events)
    this.#logs.set(session, events)
    return events
  }
}
