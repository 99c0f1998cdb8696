import * as typeorm from 'typeorm'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { openTypeormChinook } from '../fixtures/chinook/typeorm-chinook.ts'
import { describeMysqlChinook } from '../support/chinook-mysql-suite.ts'
import { mikroOrmUnderTest } from '../support/end-to-end/mikro-orm-under-test.ts'
import { mikroOrm7 } from '../support/mikro-orm/mikro-orm-7.ts'

describeMysqlChinook('TypeORM 1', async (location) => {
  const dataSource = await openTypeormChinook(typeorm, 'mysql', location)
  return { store: typeormStore(dataSource), close: () => dataSource.destroy() }
})

const { name, openChinook } = mikroOrmUnderTest(mikroOrm7)
describeMysqlChinook(name, (location) => openChinook('mysql', location, 'default'))
