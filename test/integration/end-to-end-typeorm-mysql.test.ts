import * as typeorm from 'typeorm'
import { describeChinookEndToEnd } from '../support/end-to-end/chinook-end-to-end.ts'
import { typeormUnderTest } from '../support/end-to-end/typeorm-under-test.ts'

describeChinookEndToEnd(typeormUnderTest('TypeORM 1', typeorm), 'mysql')
