import * as typeorm from 'typeorm-0.3'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { openTypeormChinook } from '../fixtures/chinook/typeorm-chinook.ts'
import type { TypeormModule } from '../fixtures/zoo/typeorm/typeorm-module.ts'
import { describeMysqlChinook } from '../support/chinook-mysql-suite.ts'

describeMysqlChinook('TypeORM 0.3', async (location) => {
  const dataSource = await openTypeormChinook(typeorm as unknown as TypeormModule, 'mysql', location)
  return { store: typeormStore(dataSource), close: () => dataSource.destroy() }
})
