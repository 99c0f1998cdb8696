import { describeChinook } from '../support/chinook-suite.ts'
import { mikroOrmUnderTest } from '../support/end-to-end/mikro-orm-under-test.ts'
import { mikroOrm7 } from '../support/mikro-orm/mikro-orm-7.ts'

const { name, openChinook } = mikroOrmUnderTest(mikroOrm7)
describeChinook({ name, open: (dialect, location) => openChinook(dialect, location, 'default') })
