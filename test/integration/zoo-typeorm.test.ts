import * as typeorm from 'typeorm'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { expectedTypeormMapping } from '../fixtures/zoo/expected-mappings.ts'
import { TYPEORM_ROWS } from '../fixtures/zoo/rows.ts'
import { openTypeormZoo } from '../fixtures/zoo/typeorm/open-typeorm-zoo.ts'
import { describeZoo } from '../support/zoo-suite.ts'

describeZoo({
  name: 'TypeORM 1',
  expected: expectedTypeormMapping,
  extraRows: TYPEORM_ROWS,
  async open(location) {
    const { dataSource } = await openTypeormZoo(typeorm, location)
    return { store: typeormStore(dataSource), close: () => dataSource.destroy() }
  },
})
