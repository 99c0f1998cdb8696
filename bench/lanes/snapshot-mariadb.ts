import { createHoldfast, definePlan } from 'holdfast'
import { fsStorage } from 'holdfast/fs'
import { typeormStore } from 'holdfast/typeorm'
import { lane } from './lane.ts'
import { connectMariadb, MariadbOrder } from './mariadb-orders.ts'
import { Customer } from './typeorm-orders.ts'

/** One more snapshot of a MariaDB into the repository that is in `out`: of the first a full, then by what changed. */
await lane(async ({ url, out }) => {
  const dataSource = await connectMariadb(url)
  const entities = [Customer, MariadbOrder]
  const plan = definePlan({ id: 'orders', description: 'Orders and their customers', entities, policy: { compression: 'zstd', level: 3 } })
  const holdfast = await createHoldfast({ stores: [typeormStore(dataSource)], storage: fsStorage({ root: out }), plans: [plan] })
  const [earlier] = await holdfast.discovery.snapshots({ plan: 'orders' })
  return {
    async run() {
      const { totals, snapshotId, kind } = await holdfast.backups.run('orders', { kind: earlier ? 'incremental' : 'full' })
      const { entities: stored } = await holdfast.discovery.snapshot(snapshotId)
      return { rows: totals.rows, kind, methods: [...new Set(stored.map(({ change }) => change.method))].join(', ') }
    },
    async close() {
      await holdfast.close()
      await dataSource.destroy()
    },
  }
})
