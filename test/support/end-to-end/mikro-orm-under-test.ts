import { mikroOrmStore } from '../../../adapters/mikro-orm/index.ts'
import { openMikroOrmChinook } from '../../fixtures/chinook/mikro-orm-chinook.ts'
import { openMikroOrmZoo } from '../../fixtures/zoo/mikro-orm/open-mikro-orm-zoo.ts'
import { MIKRO_ORM_ROWS } from '../../fixtures/zoo/rows.ts'
import type { MikroOrmModules } from '../mikro-orm/mikro-orm-modules.ts'
import type { OrmUnderTest } from './orm-under-test.ts'

/** One major of MikroORM in a process: the test file says which. */
export function mikroOrmUnderTest(mikroOrm: MikroOrmModules): OrmUnderTest {
  return {
    name: mikroOrm.name,
    zooRows: MIKRO_ORM_ROWS,
    async openZoo(location, storeName) {
      const { orm } = await openMikroOrmZoo(mikroOrm, location)
      return { store: mikroOrmStore(orm, { name: storeName }), close: () => orm.close() }
    },
    async openChinook(dialect, location, storeName) {
      const orm = await openMikroOrmChinook(mikroOrm, dialect, location)
      return { store: mikroOrmStore(orm, { name: storeName }), close: () => orm.close() }
    },
  }
}
