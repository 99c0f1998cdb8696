import { describeChinook } from '../support/chinook-suite.ts'
import { mikroOrmUnderTest } from '../support/end-to-end/mikro-orm-under-test.ts'
import { mikroOrm6 } from '../support/mikro-orm/mikro-orm-6.ts'

const { name, openChinook } = mikroOrmUnderTest(mikroOrm6)
describeChinook({ name, open: (dialect, location) => openChinook(dialect, location, 'default') })
