import * as typeorm from 'typeorm'
import { describe, expect, it } from 'vitest'
import { mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import type { EntityMapping } from '../../src/contracts/index.ts'
import { openMikroOrmZoo } from '../fixtures/zoo/mikro-orm/open-mikro-orm-zoo.ts'
import { TYPEORM_ROWS, zooRows } from '../fixtures/zoo/rows.ts'
import { openTypeormZoo } from '../fixtures/zoo/typeorm/open-typeorm-zoo.ts'
import { mikroOrm7 } from '../support/mikro-orm/mikro-orm-7.ts'
import { copyStore } from '../support/store-copy.ts'
import { createZooDatabase } from '../support/zoo-database.ts'

/** Property paths are each ORM's own; schema, table and column beside them are what the two have in common. */
describe.each(['postgres', 'sqlite'] as const)('records across ORMs, on %s', (dialect) => {
  it('come out of TypeORM and go in under MikroORM', async () => {
    const [source, target] = [await createZooDatabase(dialect), await createZooDatabase(dialect)]
    const { dataSource } = await openTypeormZoo(typeorm, { dialect, location: source.location, create: true })
    await source.seed(zooRows(dialect, TYPEORM_ROWS))
    const makesTables = await openTypeormZoo(typeorm, { dialect, location: target.location, create: true })
    await makesTables.dataSource.destroy()
    const { orm } = await openMikroOrmZoo(mikroOrm7, { dialect, location: target.location, create: false })
    try {
      const [from, to] = [typeormStore(dataSource), mikroOrmStore(orm)]
      const both = from.mapping.entities.flatMap((entity) =>
        to.mapping.entities.filter(({ name }) => name === entity.name).map((other) => [entity, other] as const),
      )
      expect(both.length).toBeGreaterThan(15)
      for (const [one, other] of both) expect(physical(other)).toEqual(physical(one))

      await copyStore(from, to, { mode: 'staged', entities: both.map(([entity]) => entity.name) })
      const tables = both.map(([{ schema, table }]) => (schema ? `${schema}.${table}` : table))
      const [before, after] = [await source.image(), await target.image()]
      for (const table of tables) expect([table, after[table]]).toEqual([table, before[table]])
    } finally {
      await Promise.all([dataSource.destroy(), orm.close()])
      await Promise.all([source.drop(), target.drop()])
    }
  })
})

function physical({ schema, table, fields, key }: EntityMapping) {
  const column = (path: string) => fields.find((field) => field.path === path)?.column
  return { schema, table, columns: fields.map((field) => field.column).toSorted(), key: key.map(column) }
}
