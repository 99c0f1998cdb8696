import { typeormStore } from '../../../adapters/typeorm/index.ts'
import { openTypeormChinook } from '../../fixtures/chinook/typeorm-chinook.ts'
import { TYPEORM_ROWS } from '../../fixtures/zoo/rows.ts'
import { openTypeormZoo } from '../../fixtures/zoo/typeorm/open-typeorm-zoo.ts'
import type { TypeormModule } from '../../fixtures/zoo/typeorm/typeorm-module.ts'
import type { OrmUnderTest } from './orm-under-test.ts'

/** One major of TypeORM in a process: the test file says which. */
export function typeormUnderTest(name: string, typeorm: TypeormModule): OrmUnderTest {
  return {
    name,
    zooRows: TYPEORM_ROWS,
    async openZoo(location, storeName) {
      const { dataSource } = await openTypeormZoo(typeorm, location)
      return { store: typeormStore(dataSource, { name: storeName }), close: () => dataSource.destroy() }
    },
    async openChinook(dialect, location, storeName) {
      const dataSource = await openTypeormChinook(typeorm, dialect, location)
      return { store: typeormStore(dataSource, { name: storeName }), close: () => dataSource.destroy() }
    },
  }
}
