import { mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { openMikroOrmChinook } from '../fixtures/chinook/mikro-orm-chinook.ts'
import { describeChinook } from '../support/chinook-suite.ts'

describeChinook({
  name: 'MikroORM 7',
  async open(dialect, location) {
    const orm = await openMikroOrmChinook(dialect, location)
    return { store: mikroOrmStore(orm), close: () => orm.close() }
  },
})
