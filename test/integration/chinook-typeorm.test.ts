import * as typeorm from 'typeorm'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { openTypeormChinook } from '../fixtures/chinook/typeorm-chinook.ts'
import { describeChinook } from '../support/chinook-suite.ts'

describeChinook({
  name: 'TypeORM 1',
  async open(dialect, location) {
    const dataSource = await openTypeormChinook(typeorm, dialect, location)
    return { store: typeormStore(dataSource), close: () => dataSource.destroy() }
  },
})
