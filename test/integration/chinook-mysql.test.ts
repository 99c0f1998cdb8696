import * as typeorm from 'typeorm'
import { mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { openMikroOrmChinook } from '../fixtures/chinook/mikro-orm-chinook.ts'
import { openTypeormChinook } from '../fixtures/chinook/typeorm-chinook.ts'
import { describeMysqlChinook } from '../support/chinook-mysql-suite.ts'

describeMysqlChinook('TypeORM 1', async (location) => {
  const dataSource = await openTypeormChinook(typeorm, 'mysql', location)
  return { store: typeormStore(dataSource), close: () => dataSource.destroy() }
})

describeMysqlChinook('MikroORM 7', async (location) => {
  const orm = await openMikroOrmChinook('mysql', location)
  return { store: mikroOrmStore(orm), close: () => orm.close() }
})
