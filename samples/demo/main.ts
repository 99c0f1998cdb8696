import { rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createHoldfast, decorated, definePlan } from 'holdfast'
import { fsStorage } from 'holdfast/fs'
import { typeormStore } from 'holdfast/typeorm'
import { count, digestOf } from './proof.js'
import { bar, megabytes, say, table, title } from './render.js'
import { fillShop, openShop } from './shop.js'

/** A shop, its backup, a bad day, and the way back. Everything stays in `.demo/`, which each run makes anew. */
const HOME = '.demo'
rmSync(HOME, { recursive: true, force: true })
await mkdir(HOME)

title('1. A shop on an embedded database')
const shop = await openShop(`${HOME}/shop.sqlite`)
await fillShop(shop)
const before = await digestOf(shop)
say(
  `${await count(shop, 'SELECT count(*) n FROM orders')} orders, ${await count(shop, 'SELECT count(*) n FROM order_line')} lines; digest of all rows ${before}`,
)

title('2. A plan, by decorators')
const plan = definePlan({ id: 'shop', description: 'Orders and all they need', entities: decorated() })
const holdfast = await createHoldfast({ stores: [typeormStore(shop)], storage: fsStorage({ root: `${HOME}/backups` }), plans: [plan] })
for (const line of String(holdfast.report).split('\n')) say(line)

title('3. A full backup')
const session = await holdfast.backups.start('shop', { metadata: { reason: 'demo' } })
for await (const progress of session.progress()) bar(progress)
const backup = await session.result()
say(
  `snapshot ${backup.snapshotId}: ${backup.totals.rows} records, ${megabytes(backup.totals.plainBytes)} in ${megabytes(backup.totals.storedBytes)}, consistency "${backup.consistency}"`,
)

title('4. A bad script')
await shop.transaction(async (tx) => {
  await tx.query('DELETE FROM order_line WHERE orderId BETWEEN 2001 AND 2300')
  await tx.query('DELETE FROM order_tags WHERE ordersId BETWEEN 2001 AND 2300')
  await tx.query('DELETE FROM orders WHERE id BETWEEN 2001 AND 2300')
  await tx.query('UPDATE product SET price = 0')
})
say(`300 orders are gone with their lines and tags, every price is 0; digest ${await digestOf(shop)}`)

title('5. What would come back (dry run)')
const look = await holdfast.restores.restore({ snapshot: backup.snapshotId, policy: 'overwrite', dryRun: true })
table(look)
const ruined = look.entities.find(({ entity }) => entity === 'Product')?.samples.find(({ action }) => action === 'update')
if (ruined)
  say(
    `for instance Product ${ruined.key}: ${ruined.changes.map(({ field, live, record }) => `${field} ${JSON.stringify(live)} → ${JSON.stringify(record)}`).join(', ')}`,
  )

title('6. The restore')
const restore = await holdfast.restores.start({ snapshot: backup.snapshotId, policy: 'overwrite' })
for await (const progress of restore.progress()) bar(progress)
const restored = await restore.result()
say(`${restored.totals.create} records created, ${restored.totals.update} updated, ${restored.totals.identical} found identical and not touched`)

title('7. Proof')
const after = await digestOf(shop)
const again = await holdfast.restores.restore({ snapshot: backup.snapshotId, policy: 'overwrite', dryRun: true })
const verified = await holdfast.discovery.verify(backup.snapshotId)
const sound = after === before && again.totals.identical === again.totals.records && verified.damages.length === 0
say(`digest of all rows ${after}: ${after === before ? 'the same as before the accident' : 'NOT the same as before'}`)
say(`compared with the snapshot: ${again.totals.identical} of ${again.totals.records} records identical`)
say(`verified in storage: ${verified.chunks} chunks read back, ${verified.damages.length} damaged`)

title(sound ? 'Everything is back.' : 'Something is missing.')
await holdfast.close()
await shop.destroy()
process.exitCode = sound ? 0 : 1
