import type { StorageAdapter } from '../../src/contracts/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'

/** What happens at a put: nothing more, the put fails, or the process dies before or after it took effect. */
export type PutFate = 'lives' | 'fails' | 'dies before' | 'dies after'

/**
 * The storage as one process sees it, which stands still before each put until `before` has done what it wants: so a history decides what happens between any two
 * objects of a backup. After its death nothing reaches the storage any more.
 */
export function steppedStorage(base: StorageAdapter, before: (put: { readonly n: number; readonly key: string }) => Promise<PutFate>): StorageAdapter {
  let puts = 0
  let dead = false
  const alive = () => {
    if (dead) throw new HoldfastError('E_STORAGE', 'this process is dead')
  }
  return {
    ...base,
    async put(key, body, options) {
      alive()
      const fate = await before({ n: ++puts, key })
      alive()
      if (fate === 'dies before' || fate === 'dies after') dead = true
      if (fate === 'lives' || fate === 'dies after') await base.put(key, body, options)
      if (fate !== 'lives') throw new HoldfastError('E_STORAGE', `the history lets the put of ${key} fail`)
    },
    get: async (key, options) => (alive(), base.get(key, options)),
    stat: async (key, options) => (alive(), base.stat(key, options)),
    async *list(prefix, options) {
      alive()
      yield* base.list(prefix, options)
    },
    delete: async (keys, options) => (alive(), base.delete(keys, options)),
  }
}

/** Everything of one storage in another, dated now. */
export async function copyObjects(from: StorageAdapter, to: StorageAdapter): Promise<void> {
  for await (const { key } of from.list('')) await to.put(key, await from.get(key), { ifAbsent: true })
}
