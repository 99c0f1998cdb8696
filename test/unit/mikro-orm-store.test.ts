import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { SqlMikroORM } from '@mikro-orm/sql'
import { afterEach, describe, expect, it } from 'vitest'
import { type MikroOrmInstance, mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { mappingText } from '../fixtures/zoo/mapping-text.ts'
import { mikroOrmZoo } from '../fixtures/zoo/mikro-orm/index.ts'
import { mikroOrm6, mikroOrm6Of } from '../support/mikro-orm/mikro-orm-6.ts'
import { mikroOrm7 } from '../support/mikro-orm/mikro-orm-7.ts'
import type { MikroOrmModules, MikroOrmOptions } from '../support/mikro-orm/mikro-orm-modules.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const orm of opened.splice(0)) await orm.close()
})

const BOTH = [mikroOrm7, mikroOrm6]

/** Opens instances of one major that are closed after the test. */
function opener(mikroOrm: MikroOrmModules) {
  return (entities: NonNullable<MikroOrmOptions['entities']>, more: MikroOrmOptions = {}): SqlMikroORM => {
    const orm = mikroOrm.openLazily({ entities: [...entities], ...more })
    opened.push(orm)
    return orm
  }
}

/** An instance with something about it changed, as another driver or an older version would have it. */
function altered(orm: MikroOrmInstance, changes: Partial<MikroOrmInstance>): MikroOrmInstance {
  const own = { config: orm.config, em: orm.em, getMetadata: () => orm.getMetadata(), ...changes }
  return Object.create(orm, Object.getOwnPropertyDescriptors(own)) as MikroOrmInstance
}

function drivenBy(orm: MikroOrmInstance, driver: ReturnType<MikroOrmInstance['em']['getDriver']>): MikroOrmInstance {
  return altered(orm, { em: { getConnection: () => orm.em.getConnection('write'), getContext: () => orm.em.getContext(false), getDriver: () => driver } })
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

describe.each(BOTH)('mikroOrmStore, $name', (mikroOrm) => {
  const open = opener(mikroOrm)
  const { defineEntity, p, RequestContext } = mikroOrm.core
  const Thing = defineEntity({ name: 'Thing', properties: { id: p.integer().primary() } })

  it('refuses other drivers by name', () => {
    class MsSqlDriver {
      getPlatform = () => ({ getDefaultSchemaName: () => undefined })
    }
    expect(refusal(() => mikroOrmStore(drivenBy(open([Thing]), new MsSqlDriver())))).toMatch(/E_DIALECT: The driver MsSqlDriver of MikroORM [67] is not served/)
  })

  it('refuses remote, replicated and encrypted libSQL databases', () => {
    expect(refusal(() => mikroOrmStore(open([Thing], { dbName: 'libsql://example.test' })))).toMatch(/E_DIALECT: A remote libSQL database/)
    expect(refusal(() => mikroOrmStore(open([Thing], { driverOptions: { syncUrl: 'https://example.test' } })))).toMatch(/E_DIALECT: A remote libSQL database/)
    expect(refusal(() => mikroOrmStore(open([Thing], { driverOptions: { encryptionKey: 'secret' } })))).toMatch(/E_DIALECT.*encrypted/)
  })

  it('refuses a MikroORM that does not hand over its connections', () => {
    const orm = open([Thing])
    expect(
      refusal(() =>
        mikroOrmStore(altered(orm, { em: { getConnection: () => ({}), getContext: () => orm.em.getContext(false), getDriver: () => orm.em.getDriver() } })),
      ),
    ).toMatch(/E_DIALECT.*does not hand over its native client.* MikroORM 6\.6 or later, or 7\.2 or later/)
  })

  it('is named as asked, or by the context', () => {
    expect(mikroOrmStore(open([Thing])).name).toBe('default')
    expect(mikroOrmStore(open([Thing], { contextName: 'second' })).name).toBe('second')
    expect(mikroOrmStore(open([Thing]), { name: 'shop' }).name).toBe('shop')
  })

  it('says which MikroORM it is', () => {
    const folder = mikroOrm === mikroOrm6 ? 'mikro-orm-6/node_modules' : '.'
    const file = join(import.meta.dirname, '../../node_modules', folder, '@mikro-orm/core/package.json')
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
    expect(mikroOrmStore(open([Thing])).orm).toBe(`mikro-orm ${version}`)
  })

  it.each([true, false])('clears identity map and result cache after a restore, allowGlobalContext %s', async (allowGlobalContext) => {
    const orm = open([Thing], { allowGlobalContext })
    const cache = orm.config.getResultCacheAdapter()
    await cache.set('key', [1], 'origin', 60_000)
    await RequestContext.create(orm.em, async () => {
      const managed = () => orm.em.getUnitOfWork().getIdentityMap().values()
      orm.em.merge(Thing, { id: 1 })
      expect(managed()).toHaveLength(1)
      await mikroOrmStore(orm).afterRestore?.()
      expect(managed()).toHaveLength(0)
    })
    expect(await cache.get('key')).toBeUndefined()
    await mikroOrmStore(orm).afterRestore?.() // outside of any request
  })
})

describe('what mikroOrmStore refuses of MikroORM 6', () => {
  const open = opener(mikroOrm6)
  const { defineEntity, p } = mikroOrm6.core
  const Thing = defineEntity({ name: 'Thing', properties: { id: p.integer().primary() } })

  it('is drivers whose connections are of packages that are not known', () => {
    const mariadb = mikroOrm6Of('mariadb').initSync({ dbName: 'shop', entities: [Thing] })
    expect(refusal(() => mikroOrmStore(mariadb))).toMatch(
      /E_DIALECT: The driver MariaDbDriver of MikroORM 6 is not served.*@mikro-orm\/mysql \(for MariaDB as well\)/,
    )
    class SqliteDriver {
      getPlatform = () => ({ getDefaultSchemaName: () => undefined })
    }
    expect(refusal(() => mikroOrmStore(drivenBy(open([Thing]), new SqliteDriver())))).toMatch(/E_DIALECT: The driver SqliteDriver of MikroORM 6/)
  })

  it('is SQLite that may be elsewhere', () => {
    const store = (driverOptions: object) => refusal(() => mikroOrmStore(open([Thing], { driverOptions } as MikroOrmOptions)))
    expect(store({ connection: { filename: 'libsql://example.test' } })).toMatch(/E_DIALECT: A remote libSQL database/)
    expect(store({ connection: { syncUrl: 'https://example.test' } })).toMatch(/E_DIALECT: A remote libSQL database/)
    expect(store({ connection: { encryptionKey: 'secret' } })).toMatch(/E_DIALECT.*encrypted/)
    expect(store({ context: { client: {} } })).toMatch(/E_DIALECT: A Knex instance in `driverOptions`/)
    expect(store({ connection: { filename: '/tmp/shop.db' } })).toBe('accepted')
  })

  /** An instance that a package of that version made, or that says nothing of where it is from. */
  function madeBy(version: string | null): MikroOrmInstance {
    const orm = open([Thing])
    const own = { config: orm.config, em: orm.em, getMetadata: () => orm.getMetadata() }
    if (version === null) return own
    const folder = temporaryFolder()
    opened.push({ close: async () => folder.remove() })
    const core = join(folder.path, 'node_modules/@mikro-orm/core')
    mkdirSync(core, { recursive: true })
    writeFileSync(join(core, 'package.json'), JSON.stringify({ name: '@mikro-orm/core', version }))
    writeFileSync(join(core, 'MikroORM.js'), 'exports.MikroORM = class MikroORM {}')
    const { MikroORM } = createRequire(import.meta.url)(join(core, 'MikroORM.js')) as { readonly MikroORM: { readonly prototype: object } }
    return Object.create(MikroORM.prototype, Object.getOwnPropertyDescriptors(own)) as MikroOrmInstance
  }

  it.each(['5.9.8', '6.5.9'])('is a version that was never tested, as %s, before its metadata are read', (version) => {
    const getMetadata = () => {
      throw new Error('read')
    }
    const older = Object.create(madeBy(version), { getMetadata: { value: getMetadata } }) as MikroOrmInstance
    expect(refusal(() => mikroOrmStore(older))).toBe(`E_DIALECT: MikroORM ${version} is not served. Use MikroORM 6.6 or later, or 7.2 or later.`)
  })

  it('is one that does not tell its version', () => {
    expect(refusal(() => mikroOrmStore(madeBy(null)))).toMatch(/E_DIALECT: This MikroORM speaks through Knex, and which version it is cannot be told/)
    expect(mikroOrmStore(madeBy('6.6.0')).orm).toBe('mikro-orm 6.6.0')
  })
})

describe.each(BOTH)('the mapping of metadata, $name', (mikroOrm) => {
  const open = opener(mikroOrm)
  const { AbstractNamingStrategy, defineEntity, p } = mikroOrm.core
  const { Entity, PrimaryKey, Property } = mikroOrm.decorators
  const Thing = defineEntity({ name: 'Thing', properties: { id: p.integer().primary() } })

  it('knows entities by class, by what `defineEntity` returns, and children of a shared table by their own', () => {
    const { classes, entities } = mikroOrmZoo(mikroOrm, 'sqlite')
    const { mapping } = mikroOrmStore(open(entities))
    const targets = (name: string) => {
      const entity = mapping.entities.find((each) => each.name === name)
      return [entity?.target, ...(entity?.aliases ?? []).map(({ target }) => target)]
    }
    expect(targets('Order')).toEqual([classes.Order])
    expect(targets('Setting')).toContain(classes.Setting)
    expect(targets('Override')).toEqual([classes.Override, classes.OverrideSchema])
    expect(targets('Animal')).toEqual([classes.Animal, classes.Dog, classes.Cat, classes.Kitten])
    expect(targets('order_tag')).toEqual([undefined])
    expect(mapping.excluded.map(({ name, reason }) => [name, reason]).toSorted(([a = ''], [b = '']) => a.localeCompare(b))).toEqual([
      ['SettingCount', 'a virtual entity'],
      ...(mikroOrm === mikroOrm7 ? [['SettingName', 'a view']] : []),
    ])
  })

  it('follows the naming strategy', () => {
    class Shouting extends AbstractNamingStrategy {
      classToTableName = (name: string) => name.toUpperCase()
      propertyToColumnName = (name: string) => name.toUpperCase()
      referenceColumnName = () => 'ID'
      joinColumnName = (name: string) => `${name}_ID`.toUpperCase()
      joinKeyColumnName = (name: string) => `${name}_ID`.toUpperCase()
      joinTableName = (source: string, _target: string, property: string) => `${source}_${property}`.toUpperCase()
    }
    const Shelf = defineEntity({ name: 'Shelf', properties: { id: p.integer().primary(), things: () => p.manyToMany(Thing), first: () => p.manyToOne(Thing) } })
    expect(mappingText(mikroOrmStore(open([Shelf, Thing], { namingStrategy: Shouting })).mapping)).toBe(
      [
        'SHELF_THINGS (junction) SHELF_THINGS [SHELF_ID THING_ID]',
        '  SHELF_ID -> Shelf SHELF(ID)',
        '  THING_ID -> Thing THING(ID)',
        'Shelf SHELF [id=ID] first.id=FIRST_ID',
        '  first.id -> Thing THING(ID)',
        'Thing THING [id=ID]',
      ].join('\n'),
    )
  })

  it('tells the own columns of children apart that go by one property name', () => {
    @Entity({ discriminatorColumn: 'kind' })
    class Reading {
      @PrimaryKey({ type: 'integer' }) id!: number
    }
    @Entity()
    class Weight extends Reading {
      @Property({ type: 'integer', fieldName: 'grams' }) value!: number
    }
    @Entity()
    class Colour extends Reading {
      @Property({ type: 'text', fieldName: 'hex' }) value!: string
    }
    const text = mappingText(mikroOrmStore(open([Reading, Weight, Colour])).mapping)
    const columns = /^Reading reading \[id\] (.*)$/m
      .exec(text)?.[1]
      ?.split(' ')
      .map((field) => field.split('=').at(-1))
    expect(columns?.toSorted()).toEqual(['grams', 'hex', 'kind'])
  })

  it('follows a key that is itself a reference to the end', () => {
    const Region = defineEntity({ name: 'Region', properties: { code: p.integer().primary() } })
    const Depot = defineEntity({ name: 'Depot', properties: { region: () => p.manyToOne(Region).primary(), no: p.integer().primary() } })
    const Shelf = defineEntity({ name: 'Shelf', properties: { id: p.integer().primary(), depot: () => p.manyToOne(Depot) } })
    expect(mappingText(mikroOrmStore(open([Region, Depot, Shelf])).mapping)).toContain(
      'Shelf shelf [id] depot.no=depot_no depot.region.code=depot_region_code\n  depot.region.code depot.no -> Depot depot(region_code no)',
    )
  })

  it('takes a relation inside a JSON column for no reference of a column of the same name', () => {
    const Region = defineEntity({ name: 'Region', properties: { id: p.integer().primary() } })
    const Profile = defineEntity({ name: 'Profile', embeddable: true, properties: { origin: () => p.manyToOne(Region).fieldName('thing_id') } })
    const Person = defineEntity({
      name: 'Person',
      properties: { id: p.integer().primary(), thing: () => p.manyToOne(Thing), profile: () => p.embedded(Profile).object() },
    })
    expect(mappingText(mikroOrmStore(open([Region, Profile, Person, Thing])).mapping)).toBe(
      ['Person person [id] profile thing.id=thing_id', '  thing.id -> Thing thing(id)', 'Region region [id]', 'Thing thing [id]'].join('\n'),
    )
  })

  it('refuses a schema that is chosen at run time while nothing says which', () => {
    const Tenant = defineEntity({ name: 'Tenant', schema: '*', properties: { id: p.integer().primary() } })
    expect(refusal(() => mikroOrmStore(open([Tenant])))).toMatch(/E_MAPPING: Not served: Tenant: its schema is chosen at run time/)
    expect(mikroOrmStore(open([Tenant]), { schema: 'acme' }).mapping.entities[0]?.schema).toBe('acme')
    expect(mikroOrmStore(open([Tenant], { schema: 'home' })).mapping.entities[0]?.schema).toBe('home')
    expect(mikroOrmStore(open([Tenant], { schema: 'home' }), { schema: 'acme' }).mapping.entities[0]?.schema).toBe('acme')
  })
})

describe('the mapping of what only MikroORM 7 has', () => {
  const open = opener(mikroOrm7)
  const { defineEntity, p } = mikroOrm7.core
  const { Entity, ManyToOne, PrimaryKey, Property } = mikroOrm7.decorators

  it('knows a class set on a schema afterwards', () => {
    const Schema = defineEntity({ name: 'Parcel', properties: { id: p.integer().primary() } })
    class Parcel extends Schema.class {}
    Schema.setClass(Parcel)
    const [entity] = mikroOrmStore(open([Parcel])).mapping.entities
    expect([entity?.target, entity?.aliases.map(({ target }) => target)]).toEqual([Parcel, [Schema]])
  })

  it('refuses half of a record that stands in several tables', () => {
    @Entity({ inheritance: 'tpt' })
    class Vehicle {
      @PrimaryKey({ type: 'integer' }) id!: number
    }
    @Entity()
    class Truck extends Vehicle {
      @Property({ type: 'integer' }) axles!: number
    }
    const orm = open([Vehicle, Truck])
    expect(refusal(() => mikroOrmStore(orm, { exclude: { Vehicle: 'rebuilt' } }))).toMatch(
      /E_MAPPING: Truck: the rest of its rows stands in the table vehicle, which is excluded\. Exclude Truck as well/,
    )
    expect(mikroOrmStore(orm, { exclude: { Truck: 'rebuilt' } }).mapping.entities.map(({ name }) => name)).toEqual(['Vehicle'])
  })

  it('follows a polymorphic reference to the table of a child, and to a key of another name', () => {
    @Entity({ discriminatorColumn: 'kind' })
    class Animal {
      @PrimaryKey({ type: 'integer' }) id!: number
    }
    @Entity()
    class Dog extends Animal {}
    @Entity()
    class Plant {
      @PrimaryKey({ type: 'integer' }) no!: number
    }
    @Entity()
    class Remark {
      @PrimaryKey({ type: 'integer' }) id!: number
      @ManyToOne({ entity: () => [Dog, Plant], nullable: true }) about!: object
    }
    const text = mappingText(mikroOrmStore(open([Animal, Dog, Plant, Remark])).mapping)
    expect(text).toContain('  about.id -> Animal animal(id) when about.type is animal\n')
    expect(text).toContain('  about.id -> Plant plant(no) when about.type is plant')
  })
})
