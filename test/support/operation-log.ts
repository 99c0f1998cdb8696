import { memoryStorage } from '../../adapters/memory/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'

interface Write {
  readonly key: string
  /** Null: a deletion. */
  readonly body: Buffer | null
}

export interface OperationLog {
  readonly storage: StorageAdapter
  /** Beginnings and ends of writes: as many moments at which the power can be cut. */
  readonly moments: number
  /**
   * The storage as it is when the power is cut after so many of them. Writes that were acknowledged are there; of those under way, `survives` says which. What was there
   * before the recording is there always.
   */
  cutAfter(moment: number, survives: (flying: number) => boolean): Promise<StorageAdapter>
}

/** Records what a run writes, so that it can be cut off at every moment without being run again. */
export async function recordOperations(base: StorageAdapter): Promise<OperationLog> {
  const before = new Map<string, Uint8Array>()
  for await (const { key } of base.list('')) before.set(key, await base.get(key))
  const writes: Write[] = []
  const moments: { readonly what: 'begins' | 'ends'; readonly write: number }[] = []

  async function recorded(done: readonly Write[], work: () => Promise<void>): Promise<void> {
    const first = writes.length
    writes.push(...done)
    done.forEach((_, n) => moments.push({ what: 'begins', write: first + n }))
    await work()
    done.forEach((_, n) => moments.push({ what: 'ends', write: first + n }))
  }

  return {
    storage: {
      name: base.name,
      capabilities: base.capabilities,
      async put(key, body, options) {
        // One whose name is taken changes nothing, and so is none.
        if (options.ifAbsent && (await base.stat(key))) return base.put(key, body, options)
        await recorded([{ key, body: Buffer.concat(body instanceof Uint8Array ? [body] : body) }], async () => {
          await new Promise((resolve) => setImmediate(resolve)) // so that others begin meanwhile
          await base.put(key, body, options)
        })
      },
      get: (key, options) => base.get(key, options),
      stat: (key, options) => base.stat(key, options),
      list: (prefix, options) => base.list(prefix, options),
      delete: (keys, options) =>
        recorded(
          keys.map((key) => ({ key, body: null })),
          () => base.delete(keys, options),
        ),
      close: () => base.close(),
    },
    get moments() {
      return moments.length
    },
    async cutAfter(moment, survives) {
      const flying = new Set<number>()
      const effective: number[] = []
      for (const { what, write } of moments.slice(0, moment)) {
        if (what === 'begins') flying.add(write)
        else {
          flying.delete(write)
          effective.push(write)
        }
      }
      for (const [n, write] of [...flying].entries()) if (survives(n)) effective.push(write)
      const state = new Map(before)
      for (const write of effective) {
        const { key, body } = writes[write]!
        if (body) state.set(key, body)
        else state.delete(key)
      }
      const storage = memoryStorage({ name: base.name })
      for (const [key, body] of state) await storage.put(key, body, { ifAbsent: true })
      return storage
    },
  }
}
