import type { StorageAdapter } from '../../src/contracts/index.ts'
import type { Clock } from '../../src/kernel/clock.ts'

/** A storage that dates its objects by the given clock instead of its own. */
export function clockedStorage(base: StorageAdapter, clock: Clock): StorageAdapter {
  const storedAt = new Map<string, number>()
  const dated = <T extends { readonly key: string; readonly modifiedAt: number }>(stat: T): T => ({
    ...stat,
    modifiedAt: storedAt.get(stat.key) ?? stat.modifiedAt,
  })
  return {
    ...base,
    async put(key, body, options) {
      await base.put(key, body, options)
      storedAt.set(key, clock.now())
    },
    async stat(key, options) {
      const stat = await base.stat(key, options)
      return stat && dated(stat)
    },
    async *list(prefix, options) {
      for await (const stat of base.list(prefix, options)) yield dated(stat)
    },
  }
}

/** A clock that stands still until it is moved. */
export interface MovableClock extends Clock {
  move(ms: number): void
}

export function movableClock(start = Date.parse('2026-11-21T10:00:00Z')): MovableClock {
  let now = start
  return { now: () => now, move: (ms) => void (now += ms) }
}
