import { describeChinookEndToEnd } from '../support/end-to-end/chinook-end-to-end.ts'
import { mikroOrmUnderTest } from '../support/end-to-end/mikro-orm-under-test.ts'

describeChinookEndToEnd(mikroOrmUnderTest, 'mysql')
