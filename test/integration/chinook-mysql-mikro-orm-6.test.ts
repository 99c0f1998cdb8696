import { describeMysqlChinook } from '../support/chinook-mysql-suite.ts'
import { mikroOrmUnderTest } from '../support/end-to-end/mikro-orm-under-test.ts'
import { mikroOrm6 } from '../support/mikro-orm/mikro-orm-6.ts'

const { name, openChinook } = mikroOrmUnderTest(mikroOrm6)
describeMysqlChinook(name, (location) => openChinook('mysql', location, 'default'))
