import { mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { expectedMikroOrmMapping } from '../fixtures/zoo/expected-mappings.ts'
import { openMikroOrmZoo } from '../fixtures/zoo/mikro-orm/open-mikro-orm-zoo.ts'
import { MIKRO_ORM_ROWS } from '../fixtures/zoo/rows.ts'
import { describeZoo } from '../support/zoo-suite.ts'

describeZoo({
  name: 'MikroORM 7',
  expected: expectedMikroOrmMapping,
  extraRows: MIKRO_ORM_ROWS,
  async open(location) {
    const { orm } = await openMikroOrmZoo(location)
    return { store: mikroOrmStore(orm), close: () => orm.close() }
  },
})
