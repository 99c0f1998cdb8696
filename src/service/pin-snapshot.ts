import { goneSnapshot, type Pin, type RepositoryScope } from '../archive/index.ts'
import type { Logger } from '../contracts/logger.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'

/** How long a reader that has ended tries to let go. */
const RELEASE_MS = 10_000

/**
 * Keeps prune from the chunks of a snapshot while it is read, even when the snapshot is deleted meanwhile; gives the function that lets go. A storage that takes no pin
 * (full, read only) must not keep a restore from what it holds: it goes on, protected by the grace period alone.
 *
 * @throws `E_SNAPSHOT_UNKNOWN` when it was deleted before the pin stood.
 */
export async function pinSnapshot(scope: RepositoryScope, snapshotId: string, logger: Logger, options: AbortableOptions): Promise<() => Promise<void>> {
  const warn = (error: unknown, text: string) => logger.warn({ snapshotId, error: String(error) }, text)
  let pin: Pin
  try {
    pin = await scope.pins.pin(snapshotId, options)
  } catch (error) {
    throwIfAborted(options.signal)
    warn(error, 'the snapshot could not be pinned; for longer than the grace period of a prune it must not be read')
    return async () => {}
  }
  const release = async () => {
    await pin
      .release({ signal: AbortSignal.timeout(RELEASE_MS) })
      .catch((error: unknown) => warn(error, 'the pin of a snapshot could not be removed; it expires'))
  }
  // After the pin: a prune that does not see it began before, and then this sees the tombstone.
  const tombstone = await scope.tombstone(snapshotId, options)
  if (tombstone) {
    await release()
    throw goneSnapshot(tombstone)
  }
  return release
}
