import type { Writable } from 'node:stream'

/** What `work` comes to. When it fails, a stream that it was to write is destroyed: whoever reads from it would wait for ever. */
export async function orDestroyed<T>(to: string | Writable, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    // Whoever does not listen to the stream hears of the error by the call that failed.
    if (typeof to !== 'string' && typeof to?.destroy === 'function' && !to.destroyed)
      to.on('error', () => {}).destroy(error instanceof Error ? error : undefined)
    throw error
  }
}
