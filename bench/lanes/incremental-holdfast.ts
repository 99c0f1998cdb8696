import { createHoldfast, definePlan } from 'holdfast'
import { fsStorage } from 'holdfast/fs'
import { typeormStore } from 'holdfast/typeorm'
import { lane } from './lane.ts'
import { connectTypeorm, Customer, Order } from './typeorm-orders.ts'

/** One more snapshot of `url` into the repository that is in `out`, by what changed. */
await lane(async ({ url, out }) => {
  const dataSource = await connectTypeorm(url)
  const plan = definePlan({ id: 'orders', description: 'Orders and their customers', entities: [Customer, Order], policy: { compression: 'zstd', level: 3 } })
  const holdfast = await createHoldfast({ stores: [typeormStore(dataSource)], storage: fsStorage({ root: out }), plans: [plan] })
  return {
    async run() {
      const { totals, snapshotId, kind } = await holdfast.backups.run('orders', { kind: 'incremental' })
      const { entities } = await holdfast.discovery.snapshot(snapshotId)
      return { rows: totals.rows, kind, methods: [...new Set(entities.map(({ change }) => change.method))].join(', ') }
    },
    async close() {
      await holdfast.close()
      await dataSource.destroy()
    },
  }
})
