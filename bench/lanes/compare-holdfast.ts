import { createHoldfast, definePlan } from 'holdfast'
import { fsStorage } from 'holdfast/fs'
import { typeormStore } from 'holdfast/typeorm'
import { countedStorage } from './counted-storage.ts'
import { lane } from './lane.ts'
import { connectTypeorm, Customer, Order } from './typeorm-orders.ts'

/** Compares the two snapshots of the repository in `out`, then reads one record of the newer. */
await lane(async ({ url, out }) => {
  const dataSource = await connectTypeorm(url)
  const plan = definePlan({ id: 'orders', description: 'Orders and their customers', entities: [Customer, Order] })
  const { storage, read } = countedStorage(fsStorage({ root: out }))
  const holdfast = await createHoldfast({ stores: [typeormStore(dataSource)], storage, plans: [plan] })
  return {
    async run() {
      const [before, after] = (await holdfast.discovery.snapshots({ plan: 'orders' })).toSorted((a, b) => (a.id < b.id ? -1 : 1))
      const comparing = performance.now()
      const comparison = await holdfast.comparisons.compare({ before: before!.id, after: after!.id })
      const { totals } = await comparison.finish()
      const compared = { seconds: (performance.now() - comparing) / 1000, bytes: read().bytes }
      const snapshot = await holdfast.discovery.open(after!.id)
      const { objects } = read()
      const finding = performance.now()
      const found = await snapshot.findOne(Order, '500001')
      if (!found) throw new Error('order 500001 is missing')
      return { rows: totals.changed, compared, record: { seconds: (performance.now() - finding) / 1000, objects: read().objects - objects } }
    },
    async close() {
      await holdfast.close()
      await dataSource.destroy()
    },
  }
})
