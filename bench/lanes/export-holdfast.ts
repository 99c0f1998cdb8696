import { rm } from 'node:fs/promises'
import { createHoldfast, definePlan } from 'holdfast'
import { fsStorage } from 'holdfast/fs'
import { typeormStore } from 'holdfast/typeorm'
import { lane } from './lane.ts'
import { connectTypeorm, Customer, Order } from './typeorm-orders.ts'

await lane(async ({ url, out }) => {
  await rm(out, { recursive: true, force: true })
  const dataSource = await connectTypeorm(url)
  const plan = definePlan({ id: 'orders', description: 'Orders and their customers', entities: [Customer, Order], policy: { compression: 'zstd', level: 3 } })
  const holdfast = await createHoldfast({ stores: [typeormStore(dataSource)], storage: fsStorage({ root: out }), plans: [plan] })
  return {
    async run() {
      const { totals, snapshotId } = await holdfast.backups.run('orders')
      return { rows: totals.rows, plainBytes: totals.plainBytes, storedBytes: totals.storedBytes, snapshotId }
    },
    async close() {
      await holdfast.close()
      await dataSource.destroy()
    },
  }
})
