import 'reflect-metadata'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import libsql from 'libsql'
import * as typeorm from 'typeorm'
import type { DataSource as DataSource03 } from 'typeorm-0.3'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import { type TypeormDataSource, typeormStore } from '../../adapters/typeorm/index.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { mappingText } from '../fixtures/zoo/mapping-text.ts'
import { typeormZoo } from '../fixtures/zoo/typeorm/index.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const { Column, DataSource, DefaultNamingStrategy, Entity, EntitySchema, JoinColumn, JoinTable, ManyToMany, ManyToOne, OneToOne, PrimaryColumn } = typeorm

const opened: typeorm.DataSource[] = []
afterEach(async () => {
  for (const dataSource of opened.splice(0)) await dataSource.destroy()
})

async function open(entities: readonly unknown[], more: Partial<Omit<typeorm.DataSourceOptions, 'type'>> = {}): Promise<typeorm.DataSource> {
  const dataSource = new DataSource({
    type: 'better-sqlite3',
    driver: libsql,
    database: ':memory:',
    entities: entities as Function[],
    ...more,
  } as typeorm.DataSourceOptions)
  await dataSource.initialize()
  opened.push(dataSource)
  return dataSource
}

/** A data source as the adapter sees it, without a database behind. */
function shape(options: TypeormDataSource['options'], more: Partial<TypeormDataSource> = {}): TypeormDataSource {
  return { isInitialized: true, driver: {}, entityMetadatas: [], options, ...more }
}

function refusal(run: () => unknown) {
  try {
    run()
  } catch (error) {
    if (isHoldfastError(error)) return `${error.message} ${error.hint}`
    throw error
  }
  return 'accepted'
}

describe('typeormStore', () => {
  it('refuses a data source that is not initialised', () => {
    expect(refusal(() => typeormStore(new DataSource({ type: 'postgres', url: 'postgres://nowhere' })))).toMatch(/E_CONFIG: .*initialise/)
  })

  it.each(['aurora-mysql', 'cockroachdb', 'aurora-postgres', 'mssql', 'oracle', 'mongodb', 'sqljs', 'sap', 'spanner'])('refuses %s by name', (type) => {
    expect(refusal(() => typeormStore(shape({ type })))).toContain(`E_DIALECT: TypeORM type \`${type}\` is not served`)
  })

  it('shows the way from the old SQLite driver', () => {
    expect(refusal(() => typeormStore(shape({ type: 'sqlite' })))).toMatch(/E_DIALECT.*better-sqlite3/)
  })

  it('refuses an encrypted SQLite file, and drivers of another shape', () => {
    expect(refusal(() => typeormStore(shape({ type: 'better-sqlite3', key: 'secret' })))).toMatch(/E_DIALECT.*encrypted/)
    expect(refusal(() => typeormStore(shape({ type: 'better-sqlite3' })))).toMatch(/E_DIALECT.*SQLite driver/)
    expect(refusal(() => typeormStore(shape({ type: 'postgres' })))).toMatch(/E_DIALECT.*no connection pool of the `pg` package/)
    expect(refusal(() => typeormStore(shape({ type: 'mariadb' })))).toMatch(/E_DIALECT.*no connection pool of the `mysql2` package/)
  })

  it('takes the data sources of both majors, by type', () => {
    expectTypeOf<typeorm.DataSource>().toExtend<TypeormDataSource>()
    expectTypeOf<DataSource03>().toExtend<TypeormDataSource>()
  })

  it('is named as asked, or by the data source, or `default`', async () => {
    const dataSource = await open([])
    expect(typeormStore(dataSource).name).toBe('default')
    expect(typeormStore(dataSource, { name: 'shop' }).name).toBe('shop')
    // TypeORM 0.3 has names of its own
    expect(typeormStore(Object.assign(Object.create(dataSource) as typeorm.DataSource, { name: 'main' })).name).toBe('main')
  })

  it('names the very TypeORM that made the data source', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../node_modules/typeorm/package.json'), 'utf8')) as { version: string }
    expect(typeormStore(await open([])).orm).toBe(`typeorm ${version}`)
  })

  it('clears the query result cache after a restore, where there is one', async () => {
    let cleared = 0
    const dataSource = await open([])
    await typeormStore(dataSource).afterRestore?.()
    Object.assign(dataSource, { queryResultCache: { clear: async () => void cleared++ } })
    await typeormStore(dataSource).afterRestore?.()
    expect(cleared).toBe(1)
    Object.assign(dataSource, { queryResultCache: undefined })
  })
})

describe('the mapping of TypeORM metadata', () => {
  it('knows entities by class, by `EntitySchema`, and children of a shared table by their own', async () => {
    const { classes, entities } = typeormZoo(typeorm, 'sqlite')
    const { mapping } = typeormStore(await open(entities))
    const targets = (name: string) => {
      const entity = mapping.entities.find((each) => each.name === name)
      return [entity?.target, ...(entity?.aliases ?? []).map(({ target }) => target)]
    }
    expect(targets('Order')).toEqual([classes.Order])
    expect(targets('Setting')).toEqual([classes.Setting])
    expect(targets('Override')).toEqual([classes.Override, classes.OverrideSchema])
    expect(targets('Animal')).toEqual([classes.Animal, classes.Dog, classes.Cat, classes.Kitten])
    expect(targets('order_tag')).toEqual([undefined])
    expect(mapping.excluded).toEqual([{ name: 'SettingName', target: classes.SettingName, reason: 'a view' }])
  })

  it('follows the naming strategy and the table prefix', async () => {
    class Shouting extends DefaultNamingStrategy {
      override columnName(property: string, custom: string, prefixes: string[]): string {
        return super.columnName(property, custom, prefixes).toUpperCase()
      }
    }
    @Entity()
    class Parcel {
      @PrimaryColumn({ type: 'integer' }) id!: number
      @Column({ type: 'text' }) label!: string
    }
    const dataSource = await open([Parcel], { namingStrategy: new Shouting(), entityPrefix: 'app_' })
    expect(mappingText(typeormStore(dataSource).mapping)).toBe('Parcel app_parcel [id=ID] label=LABEL')
  })

  it('follows a referenced column that is itself a reference to the end', async () => {
    @Entity()
    class Region {
      @PrimaryColumn({ type: 'integer' }) code!: number
    }
    @Entity()
    class Depot {
      @PrimaryColumn({ type: 'integer' }) no!: number
      @OneToOne(() => Region)
      @JoinColumn({ name: 'region_code' })
      region!: object
    }
    @Entity()
    class Shelf {
      @PrimaryColumn({ type: 'integer' }) id!: number
      @ManyToOne(() => Depot)
      @JoinColumn({ name: 'depot_region', referencedColumnName: 'region' })
      depot!: object
    }
    expect(mappingText(typeormStore(await open([Region, Depot, Shelf])).mapping)).toContain(
      'Shelf shelf [id] depot.region.code=depot_region\n  depot.region.code -> Depot depot(region_code)',
    )
  })

  it('keeps both references that share a column', async () => {
    @Entity()
    class Seller {
      @PrimaryColumn({ type: 'integer' }) tenant!: number
      @PrimaryColumn({ type: 'integer' }) id!: number
    }
    @Entity()
    class Buyer {
      @PrimaryColumn({ type: 'integer' }) tenant!: number
      @PrimaryColumn({ type: 'integer' }) id!: number
    }
    @Entity()
    class Deal {
      @PrimaryColumn({ type: 'integer' }) id!: number
      @Column({ type: 'integer' }) tenant!: number
      @ManyToOne(() => Seller)
      @JoinColumn([
        { name: 'tenant', referencedColumnName: 'tenant' },
        { name: 'seller_id', referencedColumnName: 'id' },
      ])
      seller!: object
      @ManyToOne(() => Buyer)
      @JoinColumn([
        { name: 'tenant', referencedColumnName: 'tenant' },
        { name: 'buyer_id', referencedColumnName: 'id' },
      ])
      buyer!: object
    }
    expect(mappingText(typeormStore(await open([Seller, Buyer, Deal])).mapping)).toContain(
      'Deal deal [id] buyer.id=buyer_id seller.id=seller_id tenant\n  tenant buyer.id -> Buyer buyer(tenant id)\n  tenant seller.id -> Seller seller(tenant id)',
    )
  })

  it('keeps the references of junction tables without constraints', async () => {
    @Entity()
    class Label {
      @PrimaryColumn({ type: 'integer' }) id!: number
    }
    @Entity()
    class Letter {
      @PrimaryColumn({ type: 'integer' }) id!: number
      @ManyToMany(() => Label, { createForeignKeyConstraints: false })
      @JoinTable({ name: 'letter_label' })
      labels!: object[]
    }
    expect(mappingText(typeormStore(await open([Label, Letter])).mapping)).toContain(
      'letter_label (junction) letter_label [letterId labelId]\n  labelId -> Label label(id)\n  letterId -> Letter letter(id)',
    )
  })

  it('refuses a table in another database, unless it is excluded with a reason', async () => {
    const folder = temporaryFolder()
    const Elsewhere = new EntitySchema({ name: 'Elsewhere', database: join(folder.path, 'other.db'), columns: { id: { type: 'integer', primary: true } } })
    const dataSource = await open([Elsewhere], { database: join(folder.path, 'main.db') })
    expect(refusal(() => typeormStore(dataSource))).toMatch(/E_MAPPING: Not served: Elsewhere: stands in another database/)
    const { mapping } = typeormStore(dataSource, { exclude: { Elsewhere: 'backed up with its own database' } })
    expect(mapping.excluded).toEqual([{ name: 'Elsewhere', target: Elsewhere, reason: 'backed up with its own database' }])
    folder.remove()
  })
})
