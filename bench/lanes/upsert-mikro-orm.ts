import { lane } from './lane.ts'
import { connectMikroOrm, Order } from './mikro-orm-orders.ts'
import type { UpsertWork } from './upsert-typeorm.ts'

/** `upsertMany()` of the first orders of the source, as plain objects read beforehand: reading them is not measured. Each batch in an entity manager of its own, so that none carries the identity map of those before it. */
await lane(async ({ url, out, source }) => {
  const { rows, batch } = JSON.parse(out) as UpsertWork
  const from = await connectMikroOrm(source)
  const found = await from.em.fork().find(Order, {}, { orderBy: { id: 'asc' }, limit: rows, disableIdentityMap: true })
  const orders = found.map((order) => ({ ...order }))
  await from.close()
  const orm = await connectMikroOrm(url)
  return {
    async run() {
      for (let at = 0; at < orders.length; at += batch) await orm.em.fork().upsertMany(Order, orders.slice(at, at + batch), { batchSize: batch })
      return { rows: orders.length }
    },
    close: () => orm.close(),
  }
})
