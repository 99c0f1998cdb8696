import { Collection } from '@mikro-orm/core'
import * as mikro from '@mikro-orm/decorators/legacy'
import { MikroORM } from '@mikro-orm/libsql'
import libsql from 'libsql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as orm from 'typeorm'
import { mikroOrmMapping } from '../../adapters/mikro-orm/mikro-orm-mapping.ts'
import { typeormMapping } from '../../adapters/typeorm/typeorm-mapping.ts'
import { BackupEntity, BackupIgnore, decorated, definePlan, inventory, resolvePlan, Sensitive, TenantProperty } from '../../src/plan/index.ts'
import type { MappedStoreFixture } from '../support/plan-mapping.ts'

// Holdfast's decorators beside the ORM's own, on classes that the ORM really maps.

class TypeormGeo {
  @Sensitive()
  @orm.Column('float')
  latitude!: number
}

class TypeormAddress {
  @orm.Column('text')
  city!: string
}

/** Marks inside embedded classes, two deep. */
class TypeormContact {
  @Sensitive()
  @orm.Column('text')
  phone!: string
  @orm.Column(() => TypeormGeo)
  geo!: TypeormGeo
}

@mikro.Embeddable()
class MikroAuthorName {
  @Sensitive()
  @mikro.Property({ type: 'text' })
  legal!: string
}

@BackupEntity({ plan: 'shop' })
@orm.Entity({ name: 'party' })
@orm.TableInheritance({ column: { type: 'text', name: 'kind' } })
class TypeormParty {
  @orm.PrimaryColumn('integer')
  id!: number
  @TenantProperty()
  @orm.Column('text')
  tenant!: string
  @Sensitive()
  @orm.Column(() => TypeormAddress)
  address!: TypeormAddress
  @orm.Column(() => TypeormContact)
  contact!: TypeormContact
}

@orm.ChildEntity()
class TypeormCompany extends TypeormParty {
  @BackupIgnore({ reason: 'looked up again' })
  @orm.Column('text', { nullable: true })
  vatNumber!: string | null
}

@BackupEntity({ plan: 'shop' })
@orm.Entity({ name: 'category' })
@orm.Tree('closure-table')
class TypeormCategory {
  @orm.PrimaryColumn('integer')
  id!: number
  @orm.TreeParent()
  parent!: TypeormCategory | null
  @orm.TreeChildren()
  children!: TypeormCategory[]
  @orm.ManyToMany(() => TypeormParty)
  @orm.JoinTable({ name: 'category_parties' })
  parties!: TypeormParty[]
}

@BackupIgnore({ reason: 'filled again by use' })
@orm.Entity({ name: 'cache' })
class TypeormCache {
  @orm.PrimaryColumn('integer')
  id!: number
}

@orm.ViewEntity({ name: 'summary', expression: 'SELECT id FROM party' })
class TypeormSummary {
  @orm.ViewColumn()
  id!: number
}

@BackupEntity({ plan: 'shop' })
@mikro.Entity({ tableName: 'tag' })
class MikroTag {
  @mikro.PrimaryKey({ type: 'integer' })
  id!: number
}

@BackupEntity({ plan: 'shop' })
@mikro.Entity({ tableName: 'article' })
class MikroArticle {
  @mikro.PrimaryKey({ type: 'integer' })
  id!: number
  @BackupIgnore()
  @mikro.Property({ type: 'text' })
  searchText!: string
  @mikro.Embedded({ entity: () => MikroAuthorName })
  author!: MikroAuthorName
  @Sensitive()
  @mikro.ManyToOne({ entity: () => MikroTag })
  main!: MikroTag
  @mikro.ManyToMany({ entity: () => MikroTag, pivotTable: 'article_tags' })
  tags = new Collection<MikroTag>(this)
}

let dataSource: orm.DataSource
let mikroOrm: MikroORM
let stores: MappedStoreFixture[]

beforeAll(async () => {
  const entities = [TypeormParty, TypeormCompany, TypeormCategory, TypeormCache, TypeormSummary]
  dataSource = await new orm.DataSource({ type: 'better-sqlite3', driver: libsql, database: ':memory:', entities }).initialize()
  mikroOrm = await MikroORM.init({ dbName: ':memory:', entities: [MikroTag, MikroArticle, MikroAuthorName] })
  stores = [
    { name: 'typeorm', mapping: typeormMapping(dataSource, { schemas: null }) },
    { name: 'mikro', mapping: mikroOrmMapping(mikroOrm, {}) },
  ]
})

afterAll(async () => {
  await dataSource?.destroy()
  await mikroOrm?.close()
})

describe('a plan over both ORMs', () => {
  it('collects decorated classes with junction and closure tables, and heeds their properties', () => {
    const { plan, inclusions, warnings } = resolvePlan(definePlan({ id: 'shop', description: 'd', entities: decorated() }), stores, ['default'])
    expect(inclusions.map(({ store, entity, because, owners }) => [store, entity, because, owners])).toEqual([
      ['mikro', 'MikroArticle', 'decorated', []],
      ['mikro', 'MikroTag', 'decorated', []],
      ['mikro', 'article_tags', 'junction', ['MikroArticle', 'MikroTag']],
      ['typeorm', 'TypeormCategory', 'decorated', []],
      ['typeorm', 'TypeormParty', 'decorated', []],
      ['typeorm', 'category_closure', 'closure', ['TypeormCategory']],
      ['typeorm', 'category_parties', 'junction', ['TypeormCategory', 'TypeormParty']],
    ])
    const of = (name: string) => plan.entities.find(({ entity }) => entity === name)
    expect(of('TypeormParty')).toMatchObject({ ignore: ['vatNumber'], sensitive: ['address.city', 'contact.geo.latitude', 'contact.phone'], tenant: 'tenant' })
    expect(of('MikroArticle')).toMatchObject({ ignore: ['searchText'], sensitive: ['author.legal', 'main.id'] })
    expect(warnings).toEqual([])
  })

  it('covers everything that is mapped', () => {
    const shop = resolvePlan(definePlan({ id: 'shop', description: 'd', entities: decorated() }), stores, ['default'])
    const list = inventory(stores, [shop])
    expect(list.warnings).toEqual([])
    expect(list.healthy).toBe(true)
    expect(list.entities.filter(({ state }) => state === 'excluded').map(({ entity, reason }) => [entity, reason])).toEqual([
      ['TypeormCache', 'filled again by use'],
      ['TypeormSummary', 'a view'],
    ])
  })
})
