import { fsStorage } from '../../adapters/fs/index.ts'
import type { Logger, StorageAdapter } from '../../src/contracts/index.ts'
import { createHoldfast, definePlan, type Holdfast } from '../../src/index.ts'
import { openDeclared } from './declared-tables.ts'

export interface StagingShopOptions {
  /** Told of every object that is read. */
  readonly reads?: (key: string) => void
  readonly logger?: Logger
}

/** Customers and orders in PostgreSQL, backed up to a folder. */
export async function stagingShop(location: string, root: string, { reads = () => {}, logger }: StagingShopOptions = {}) {
  const shop = await openDeclared('TypeORM', 'postgres', location, [
    { name: 'Customer', table: 'customer', properties: { name: {} } },
    { name: 'Order', table: 'orders', properties: { customer: { of: 'Customer', column: 'customer_id' }, note: {} } },
  ])
  const storage = new Proxy(fsStorage({ root }), {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (name === 'get') {
        return (...args: Parameters<StorageAdapter['get']>) => {
          reads(args[0])
          return target.get(...args)
        }
      }
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const plan = definePlan({ id: 'shop', description: 'All', entities: ['Customer', 'Order'] })
  const holdfast: Holdfast = await createHoldfast({ stores: [shop.store], storage, plans: [plan], ...(logger ? { logger } : {}) })
  return {
    holdfast,
    async close() {
      await holdfast.close()
      await shop.close()
    },
  }
}
