import * as typeorm from 'typeorm-0.3'
import type { TypeormModule } from '../fixtures/zoo/typeorm/typeorm-module.ts'
import { describeChinookEndToEnd } from '../support/end-to-end/chinook-end-to-end.ts'
import { typeormUnderTest } from '../support/end-to-end/typeorm-under-test.ts'
import { describeZooEndToEnd } from '../support/end-to-end/zoo-end-to-end.ts'

const orm = typeormUnderTest('TypeORM 0.3', typeorm as unknown as TypeormModule)
describeZooEndToEnd(orm, 'postgres')
describeChinookEndToEnd(orm, 'postgres')
