import { createHoldfast, definePlan } from 'holdfast'
import { fsStorage } from 'holdfast/fs'
import { typeormStore } from 'holdfast/typeorm'
import { lane } from './lane.ts'
import { connectTypeorm, Customer, Order } from './typeorm-orders.ts'

/** The newest snapshot in `out` into the empty `orders` of `url`; key, index and foreign key stay in place. */
await lane(async ({ url, out }) => {
  const dataSource = await connectTypeorm(url)
  const plan = definePlan({ id: 'orders', description: 'Orders and their customers', entities: [Customer, Order] })
  const holdfast = await createHoldfast({ stores: [typeormStore(dataSource)], storage: fsStorage({ root: out }), plans: [plan] })
  const [snapshot] = await holdfast.discovery.snapshots({ limit: 1 })
  if (!snapshot) throw new Error(`no snapshot in ${out}`)
  return {
    async run() {
      const { totals, silenced } = await holdfast.restores.restore({ snapshot: snapshot.id, entities: ['Order'] })
      return { rows: totals.create, silenced }
    },
    async close() {
      await holdfast.close()
      await dataSource.destroy()
    },
  }
})
