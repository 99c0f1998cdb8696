import type { EntityStore } from '../../src/contracts/index.ts'

/** A store's facts, which are there at once. */
export type StoreFacts = Pick<EntityStore, 'name' | 'dialect' | 'mapping' | 'orm' | 'afterRestore'>

/**
 * A store over a client that can be had only by waiting. The client is asked for at each call, since an ORM that reconnects has
 * another one, and the lane made for it is kept as long as it stays the same.
 */
export function deferredStore(facts: StoreFacts, client: () => Promise<unknown>, laneOver: (client: unknown) => EntityStore): EntityStore {
  let last: { readonly client: unknown; readonly lane: EntityStore } | undefined
  const lane = async (): Promise<EntityStore> => {
    const now = await client()
    if (last === undefined || last.client !== now) last = { client: now, lane: laneOver(now) }
    return last.lane
  }
  return {
    ...facts,
    describe: async (selection, options) => (await lane()).describe(selection, options),
    openView: async (options) => (await lane()).openView(options),
    openTarget: async (options) => (await lane()).openTarget(options),
    replicationLag: async (options) => (await (await lane()).replicationLag?.(options)) ?? null,
  }
}
