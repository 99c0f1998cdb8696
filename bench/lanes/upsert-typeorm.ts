import { lane } from './lane.ts'
import { connectTypeorm, Order } from './typeorm-orders.ts'

/** How many rows, and in which batches, as JSON in the second argument. */
export interface UpsertWork {
  readonly rows: number
  readonly batch: number
}

/** `upsert()` of the first orders of the source, hydrated beforehand: reading them is not measured. */
await lane(async ({ url, out, source }) => {
  const { rows, batch } = JSON.parse(out) as UpsertWork
  const from = await connectTypeorm(source)
  const orders = await from.getRepository(Order).find({ order: { id: 'ASC' }, take: rows })
  await from.destroy()
  const dataSource = await connectTypeorm(url)
  const repository = dataSource.getRepository(Order)
  return {
    async run() {
      for (let at = 0; at < orders.length; at += batch) await repository.upsert(orders.slice(at, at + batch) as never, { conflictPaths: ['id'] })
      return { rows: orders.length }
    },
    close: () => dataSource.destroy(),
  }
})
