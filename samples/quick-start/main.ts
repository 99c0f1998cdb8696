import { BackupEntity, createHoldfast, definePlan } from 'holdfast'
import { fsStorage } from 'holdfast/fs'
import { typeormStore } from 'holdfast/typeorm'
import { dataSource, Customer, Order } from './app.js' // your TypeORM DataSource and entities

const plan = definePlan({
  id: 'shop',
  description: 'Orders and their customers',
  entities: [Order, BackupEntity.for(Customer, { sensitive: ['email'] })],
})

const holdfast = await createHoldfast({
  stores: [typeormStore(dataSource)],
  storage: fsStorage({ root: './backups' }),
  plans: [plan],
})
console.log(String(holdfast.report)) // what is covered, what is not, and why

// Back up. Every snapshot is one consistent state of all entities.
const session = await holdfast.backups.start('shop')
for await (const { percent, records } of session.progress()) console.log(`${percent} % · ${records} records`)
const { snapshotId } = await session.result()

// Somebody deletes the wrong orders …
await dataSource.getRepository(Order).delete({ status: 'open' })

// … so plan first, look at it, and apply exactly that, in one transaction. `restores.undo(done.restoreId)` would take it back.
const look = await holdfast.restores.plan({ snapshot: snapshotId, entities: ['Order'], policy: 'overwrite' })
console.log(`${look.totals.create} orders would come back, ${look.totals.update} would change`)
const done = await holdfast.restores.apply(look)
console.log(`${done.totals.create} orders are back, ${done.totals.identical} were not touched`)

await holdfast.close()
