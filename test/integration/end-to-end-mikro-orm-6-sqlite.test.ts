import { describeChinookEndToEnd } from '../support/end-to-end/chinook-end-to-end.ts'
import { mikroOrmUnderTest } from '../support/end-to-end/mikro-orm-under-test.ts'
import { describeZooEndToEnd } from '../support/end-to-end/zoo-end-to-end.ts'
import { mikroOrm6 } from '../support/mikro-orm/mikro-orm-6.ts'

const orm = mikroOrmUnderTest(mikroOrm6)
describeZooEndToEnd(orm, 'sqlite')
describeChinookEndToEnd(orm, 'sqlite')
