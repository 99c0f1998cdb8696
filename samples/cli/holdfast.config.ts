import { BackupEntity, definePlan } from 'holdfast'
import { defineConfig } from 'holdfast/config'
import { fsStorage } from 'holdfast/fs'
import { typeormStore } from 'holdfast/typeorm'
import { Customer, dataSource, Order } from './app.js' // as your build emits it: Node compiles no decorators

export default defineConfig(({ env }) => ({
  stores: async () => [typeormStore(await dataSource.initialize())],
  storage: fsStorage({ root: env.SHOP_BACKUPS ?? './backups' }), // from the folder of this file
  plans: [
    definePlan({
      id: 'shop',
      description: 'Orders and their customers',
      entities: [Order, BackupEntity.for(Customer, { sensitive: ['email'] })],
    }),
  ],
  close: () => dataSource.destroy(),
}))
