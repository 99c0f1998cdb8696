import { mikroOrmStore } from '../../../adapters/mikro-orm/index.ts'
import { openMikroOrmChinook } from '../../fixtures/chinook/mikro-orm-chinook.ts'
import { openMikroOrmZoo } from '../../fixtures/zoo/mikro-orm/open-mikro-orm-zoo.ts'
import { MIKRO_ORM_ROWS } from '../../fixtures/zoo/rows.ts'
import type { OrmUnderTest } from './orm-under-test.ts'

export const mikroOrmUnderTest: OrmUnderTest = {
  name: 'MikroORM 7',
  zooRows: MIKRO_ORM_ROWS,
  async openZoo(location, storeName) {
    const { orm } = await openMikroOrmZoo(location)
    return { store: mikroOrmStore(orm, { name: storeName }), close: () => orm.close() }
  },
  async openChinook(dialect, location, storeName) {
    const orm = await openMikroOrmChinook(dialect, location)
    return { store: mikroOrmStore(orm, { name: storeName }), close: () => orm.close() }
  },
}
