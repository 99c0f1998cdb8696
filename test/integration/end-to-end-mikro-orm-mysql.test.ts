import { describeChinookEndToEnd } from '../support/end-to-end/chinook-end-to-end.ts'
import { mikroOrmUnderTest } from '../support/end-to-end/mikro-orm-under-test.ts'
import { describeZooEndToEnd } from '../support/end-to-end/zoo-end-to-end.ts'

describeZooEndToEnd(mikroOrmUnderTest, 'mysql')
describeChinookEndToEnd(mikroOrmUnderTest, 'mysql')
