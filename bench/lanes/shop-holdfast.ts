import { createHoldfast, definePlan } from 'holdfast'
import { fsStorage } from 'holdfast/fs'
import { typeormStore } from 'holdfast/typeorm'
import { countedStorage } from './counted-storage.ts'
import { lane } from './lane.ts'
import { connectShop, shopEntities } from './shop-entities.ts'
import { timedRestore } from './timed-restore.ts'

/** What is done, as JSON in the third argument: a backup, a restore of all, or one of each of these orders with all that belongs to it, one after the other. */
export type ShopWork = { readonly do: 'backup' | 'restore' } | { readonly do: 'record'; readonly orders: readonly number[] }

await lane(async ({ url, out, source }) => {
  const work = JSON.parse(source) as ShopWork
  const dataSource = await connectShop(url)
  const plan = definePlan({ id: 'shop', description: 'A shop', entities: shopEntities, policy: { compression: 'zstd', level: 3 } })
  const { storage, read } = countedStorage(fsStorage({ root: out }))
  const holdfast = await createHoldfast({ stores: [typeormStore(dataSource)], storage, plans: [plan] })
  const [snapshot] = work.do === 'backup' ? [] : await holdfast.discovery.snapshots({ limit: 1 })
  const asked = read().keys.size
  return {
    async run() {
      if (!snapshot) return { rows: (await holdfast.backups.run('shop')).totals.rows }
      if (work.do !== 'record') {
        const { totals } = await holdfast.restores.restore({ snapshot: snapshot.id })
        return { rows: totals.create }
      }
      const seconds: number[] = []
      let rows = 0
      let keys: readonly string[] = []
      for (const order of work.orders) {
        const started = performance.now()
        const select = [{ entity: 'ShopOrder', keys: [String(order)] }]
        const { result } = await timedRestore(holdfast, { snapshot: snapshot.id, select, related: { children: true } })
        seconds.push((performance.now() - started) / 1000)
        rows += result.totals.create
        if (seconds.length === 1) keys = [...read().keys].slice(asked)
      }
      return { rows, each: seconds, chunks: await chunksRead(keys) }
    },
    async close() {
      await holdfast.close()
      await dataSource.destroy()
    },
  }

  /** Of each entity: chunks of which something was read, and indexes. */
  async function chunksRead(keys: readonly string[]) {
    const { entities } = await holdfast.discovery.snapshot(snapshot!.id)
    const read = (name: string, ending: string) => keys.some((key) => key.endsWith(`/${name}${ending}`))
    return entities.map(({ descriptor, ranges }) => {
      const names = ranges.flatMap(({ layers }) => layers.map(({ name }) => name))
      return {
        entity: descriptor.name,
        of: names.length,
        chunks: names.filter((name) => read(name, '.hfc')).length,
        indexes: names.filter((name) => read(name, '.hfx')).length,
      }
    })
  }
})
