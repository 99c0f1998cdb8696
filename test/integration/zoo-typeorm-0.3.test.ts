import * as typeorm from 'typeorm-0.3'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { expectedTypeormMapping } from '../fixtures/zoo/expected-mappings.ts'
import { TYPEORM_ROWS } from '../fixtures/zoo/rows.ts'
import { openTypeormZoo } from '../fixtures/zoo/typeorm/open-typeorm-zoo.ts'
import type { TypeormModule } from '../fixtures/zoo/typeorm/typeorm-module.ts'
import { describeZoo } from '../support/zoo-suite.ts'

describeZoo({
  name: 'TypeORM 0.3',
  expected: expectedTypeormMapping,
  extraRows: TYPEORM_ROWS,
  async open(location) {
    // The two majors declare the same names with types that do not mix; the zoo uses only what both have.
    const { dataSource } = await openTypeormZoo(typeorm as unknown as TypeormModule, location)
    return { store: typeormStore(dataSource), close: () => dataSource.destroy() }
  },
})
