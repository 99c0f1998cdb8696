import { createHoldfast, definePlan, type RestoreRequest } from 'holdfast'
import { fsStorage } from 'holdfast/fs'
import { typeormStore } from 'holdfast/typeorm'
import { lane } from './lane.ts'
import { timedRestore } from './timed-restore.ts'
import { connectTypeorm, Customer, Order } from './typeorm-orders.ts'

/** What is done with the newest snapshot in `out`, as JSON in the third argument. `apply`: of the plan that was made last; `undo`: of the restore that was last. */
export type OrdersWork =
  | { readonly do: 'restore' | 'plan'; readonly request: Omit<RestoreRequest, 'snapshot'> }
  | { readonly do: 'apply'; readonly planId: string }
  | { readonly do: 'undo' }

await lane(async ({ url, out, source }) => {
  const work = JSON.parse(source) as OrdersWork
  const dataSource = await connectTypeorm(url)
  const plan = definePlan({ id: 'orders', description: 'Orders and their customers', entities: [Customer, Order] })
  const holdfast = await createHoldfast({ stores: [typeormStore(dataSource)], storage: fsStorage({ root: out }), plans: [plan] })
  const [snapshot] = await holdfast.discovery.snapshots({ limit: 1 })
  if (!snapshot) throw new Error(`no snapshot in ${out}`)
  return {
    async run() {
      if (work.do === 'restore') {
        const { result, phases } = await timedRestore(holdfast, { ...work.request, snapshot: snapshot.id })
        const { totals, silenced, durationMs } = result
        return { rows: totals.records, phases, durationMs, silenced, totals }
      }
      if (work.do === 'plan') {
        const { planId, totals, rows } = await holdfast.restores.plan({ ...work.request, snapshot: snapshot.id })
        return { rows, planId, totals }
      }
      const [last] = work.do === 'undo' ? await holdfast.restores.history({ limit: 1 }) : []
      const { totals } = work.do === 'apply' ? await holdfast.restores.apply(work.planId) : await holdfast.restores.undo(last!.restoreId)
      return { rows: totals.create + totals.update + totals.delete, totals }
    },
    async close() {
      await holdfast.close()
      await dataSource.destroy()
    },
  }
})
