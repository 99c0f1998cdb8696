import * as typeorm from 'typeorm'
import { describeChinookEndToEnd } from '../support/end-to-end/chinook-end-to-end.ts'
import { typeormUnderTest } from '../support/end-to-end/typeorm-under-test.ts'
import { describeZooEndToEnd } from '../support/end-to-end/zoo-end-to-end.ts'

const orm = typeormUnderTest('TypeORM 1', typeorm)
describeZooEndToEnd(orm, 'mysql')
describeChinookEndToEnd(orm, 'mysql')
