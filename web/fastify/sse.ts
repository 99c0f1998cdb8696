import { Readable } from 'node:stream'
import type { SessionEvents } from './session-events.ts'

export interface EventStreamOptions {
  /** Sequence number of the last event that the client has; null when it has none. */
  readonly after: number | null
  /** A comment is written after so much silence, so that proxies keep the connection and a dead one is found. */
  readonly heartbeatMs: number
  /** Ends the stream. Aborted when the client is gone. */
  readonly signal: AbortSignal
}

/** How long an `EventSource` waits before it connects again. */
const RETRY_MS = 2000

/**
 * The body of a `text/event-stream` response: what the client missed, then what happens, until the session ends. It is written as fast as the client
 * reads and no faster: whoever is slow gets the latest event and misses those in between.
 */
export function eventStream(events: SessionEvents, options: EventStreamOptions): Readable {
  return Readable.from(frames(events, options), { highWaterMark: 1 })
}

async function* frames(events: SessionEvents, { after, heartbeatMs, signal }: EventStreamOptions): AsyncGenerator<string> {
  yield `retry: ${RETRY_MS}\n\n` // sends the headers at once, also when nothing has happened yet
  let seen = after ?? 0
  if (after !== null) {
    for (const { id, text } of events.since(after)) {
      yield text
      seen = id
    }
  }
  while (!signal.aborted && !events.isOverAfter(seen)) {
    const latest = events.since(seen).at(-1)
    if (latest) {
      yield latest.text
      seen = latest.id
    } else if (!(await events.moved(heartbeatMs, signal)) && !signal.aborted) yield ': heartbeat\n\n'
  }
}
