import type { StorageAdapter } from '../../src/contracts/index.ts'

export interface HeldStorage {
  readonly storage: StorageAdapter
  /** Chunks that wait to be stored. */
  readonly waiting: number
  /** From now on chunks wait; everything else is stored as ever. A backup then stands still in the middle of its work, for as long as a test needs. */
  hold(): void
  release(): void
}

export function heldStorage(base: StorageAdapter): HeldStorage {
  let gate: PromiseWithResolvers<void> | null = null
  let waiting = 0
  return {
    storage: {
      ...base,
      async put(key, body, options) {
        if (gate && key.includes('/chunks/')) {
          waiting++
          await gate.promise
          waiting--
        }
        return base.put(key, body, options)
      },
    },
    get waiting() {
      return waiting
    },
    hold: () => void (gate ??= Promise.withResolvers<void>()),
    release() {
      gate?.resolve()
      gate = null
    },
  }
}
