import * as typeorm from 'typeorm-0.3'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { openTypeormChinook } from '../fixtures/chinook/typeorm-chinook.ts'
import type { TypeormModule } from '../fixtures/zoo/typeorm/typeorm-module.ts'
import { describeChinook } from '../support/chinook-suite.ts'

describeChinook({
  name: 'TypeORM 0.3',
  async open(dialect, location) {
    const dataSource = await openTypeormChinook(typeorm as unknown as TypeormModule, dialect, location)
    return { store: typeormStore(dataSource), close: () => dataSource.destroy() }
  },
})
