import type libsql from 'libsql'
import * as typeorm from 'typeorm'
import { describe, expect, it } from 'vitest'
import { mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import type { EntityStore } from '../../src/contracts/index.ts'
import { openMikroOrmZoo } from '../fixtures/zoo/mikro-orm/open-mikro-orm-zoo.ts'
import { MIKRO_ORM_ROWS, TYPEORM_ROWS, zooRows } from '../fixtures/zoo/rows.ts'
import { seedSqlite } from '../fixtures/zoo/seed.ts'
import { openTypeormZoo } from '../fixtures/zoo/typeorm/open-typeorm-zoo.ts'
import { sqliteImage } from '../support/database-image.ts'
import { mikroOrm6 } from '../support/mikro-orm/mikro-orm-6.ts'
import { mikroOrm7 } from '../support/mikro-orm/mikro-orm-7.ts'
import { copyStore } from '../support/store-copy.ts'

interface InMemoryZoo {
  readonly store: EntityStore
  /** The one connection that such a database lives in. */
  readonly database: libsql.Database
  close(): Promise<unknown>
}

const IN_MEMORY = { dialect: 'sqlite', location: ':memory:', create: true } as const
const WITHOUT = { without: ['typeorm_metadata'] }

type Opening = readonly [string, typeof TYPEORM_ROWS, () => Promise<InMemoryZoo>]
const zoos: readonly Opening[] = [
  [
    'TypeORM',
    TYPEORM_ROWS,
    async () => {
      const { dataSource } = await openTypeormZoo(typeorm, IN_MEMORY)
      const { databaseConnection } = dataSource.driver as unknown as { readonly databaseConnection: libsql.Database }
      return { store: typeormStore(dataSource), database: databaseConnection, close: () => dataSource.destroy() }
    },
  ],
  ...[mikroOrm7, mikroOrm6].map((mikroOrm): Opening => [
    mikroOrm.name,
    MIKRO_ORM_ROWS,
    async () => {
      const { orm } = await openMikroOrmZoo(mikroOrm, IN_MEMORY)
      return { store: mikroOrmStore(orm), database: await mikroOrm.sqliteHandle(orm), close: () => orm.close() }
    },
  ]),
]

describe.each(zoos)('a database in memory, %s', (_orm, extraRows, open) => {
  it.each(['staged', 'direct'] as const)('goes over to another, %s', async (mode) => {
    const [source, target] = [await open(), await open()]
    seedSqlite(source.database, zooRows('sqlite', extraRows))
    await copyStore(source.store, target.store, { mode })
    expect(sqliteImage(target.database, WITHOUT)).toEqual(sqliteImage(source.database, WITHOUT))
    await Promise.all([source.close(), target.close()])
  })
})
