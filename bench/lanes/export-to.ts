import { createHoldfast, definePlan, type StorageAdapter } from 'holdfast'
import { azureBlobStorage } from 'holdfast/azure-blob'
import { secretKey } from 'holdfast/encryption'
import { fsStorage } from 'holdfast/fs'
import { s3Storage } from 'holdfast/s3'
import { typeormStore } from 'holdfast/typeorm'
import { lane } from './lane.ts'
import { connectTypeorm, Customer, Order } from './typeorm-orders.ts'

/** Where to, as JSON in the third argument. */
export interface ExportPlace {
  readonly encrypted?: boolean
  readonly azure?: Parameters<typeof azureBlobStorage>[0]
  readonly s3?: Parameters<typeof s3Storage>[0]
}

const storageOf = (out: string, { azure, s3 }: ExportPlace): StorageAdapter => {
  if (azure) return azureBlobStorage(azure)
  return s3 ? s3Storage(s3) : fsStorage({ root: out })
}

await lane(async ({ url, out, source }) => {
  const place = JSON.parse(source) as ExportPlace
  const dataSource = await connectTypeorm(url)
  const plan = definePlan({ id: 'orders', description: 'Orders and their customers', entities: [Customer, Order], policy: { compression: 'zstd', level: 3 } })
  const storage = storageOf(out, place)
  // A running application has loaded the SDK, which takes a third of a second by itself, and has connected.
  await storage.stat('nothing')
  const holdfast = await createHoldfast({
    stores: [typeormStore(dataSource)],
    storage,
    plans: [plan],
    ...(place.encrypted ? { encryption: { providers: [secretKey(Buffer.alloc(32, 7))] } } : {}),
  })
  return {
    async run() {
      const { totals } = await holdfast.backups.run('orders')
      return { rows: totals.rows, storedBytes: totals.storedBytes }
    },
    async close() {
      await holdfast.close()
      await dataSource.destroy()
    },
  }
})
