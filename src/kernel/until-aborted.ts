import { orAborted, throwIfAborted } from './abort.ts'

/** What comes of a stream, until the abort: also where nothing comes any more, of a client that fell silent. Such a stream is let go without waiting for its answer. */
export async function* untilAborted<T>(stream: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T, void, undefined> {
  const iterator = stream[Symbol.asyncIterator]()
  let isOpen = true
  try {
    for (;;) {
      throwIfAborted(signal)
      const { done, value } = await orAborted(iterator.next(), signal)
      if (done) {
        isOpen = false
        return
      }
      yield value
    }
  } finally {
    const closing = isOpen ? iterator.return?.() : undefined
    if (signal?.aborted) closing?.catch(() => {})
    else await closing
  }
}
