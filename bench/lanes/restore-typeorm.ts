import { lane } from './lane.ts'
import { connectTypeorm, Order } from './typeorm-orders.ts'

const ROWS = 100_000
const BATCH = 1000

/** `save()` of the first 100 000 orders of the source, hydrated beforehand: reading them is not measured. */
await lane(async ({ url, source }) => {
  const from = await connectTypeorm(source)
  const orders = await from.getRepository(Order).find({ order: { id: 'ASC' }, take: ROWS })
  await from.destroy()
  const dataSource = await connectTypeorm(url)
  const repository = dataSource.getRepository(Order)
  return {
    async run() {
      for (let at = 0; at < orders.length; at += BATCH) await repository.save(orders.slice(at, at + BATCH), { chunk: BATCH })
      return { rows: orders.length }
    },
    close: () => dataSource.destroy(),
  }
})
