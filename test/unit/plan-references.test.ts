import { defineEntity, MikroORM, p } from '@mikro-orm/libsql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DataSource, EntitySchema } from 'typeorm'
import libsql from 'libsql'
import { mikroOrmMapping } from '../../adapters/mikro-orm/mikro-orm-mapping.ts'
import { typeormMapping } from '../../adapters/typeorm/typeorm-mapping.ts'
import { BackupEntity, BackupIgnore, definePlan, resolvePlan, Sensitive, type EntityReference } from '../../src/plan/index.ts'
import type { MappedStoreFixture } from '../support/plan-mapping.ts'

class Label {
  id!: number
  @Sensitive()
  text!: string
}

const typeormTag = new EntitySchema<{ id: number; name: string }>({ name: 'Tag', columns: { id: { type: Number, primary: true }, name: { type: String } } })
const typeormLabel = new EntitySchema<Label>({ name: 'Label', target: Label, columns: { id: { type: Number, primary: true }, text: { type: String } } })
const mikroTag = defineEntity({ name: 'Tag', properties: { id: p.integer().primary(), name: p.string() } })
const mikroLabel = defineEntity({ class: Label, properties: { id: p.integer().primary(), text: p.string() } })

let dataSource: DataSource
let orm: MikroORM
let stores: { typeorm: MappedStoreFixture; mikroOrm: MappedStoreFixture }

beforeAll(async () => {
  dataSource = await new DataSource({ type: 'better-sqlite3', driver: libsql, database: ':memory:', entities: [typeormTag, typeormLabel] }).initialize()
  orm = await MikroORM.init({ dbName: ':memory:', entities: [mikroTag, mikroLabel] })
  stores = {
    typeorm: { name: 'typeorm', mapping: typeormMapping(dataSource, { schemas: null }) },
    mikroOrm: { name: 'mikroOrm', mapping: mikroOrmMapping(orm, {}) },
  }
})

afterAll(async () => {
  await dataSource?.destroy()
  await orm?.close()
})

describe('what the ORMs map is found', () => {
  it.each<[string, keyof typeof stores, EntityReference, string]>([
    ['a TypeORM EntitySchema without a class', 'typeorm', typeormTag, 'Tag'],
    ['a TypeORM EntitySchema of a class', 'typeorm', typeormLabel, 'Label'],
    ['the class of a TypeORM EntitySchema', 'typeorm', Label, 'Label'],
    ['a MikroORM defineEntity result', 'mikroOrm', mikroTag, 'Tag'],
    ['a MikroORM defineEntity result of a class', 'mikroOrm', mikroLabel, 'Label'],
    ['the class of a MikroORM defineEntity result', 'mikroOrm', Label, 'Label'],
    ['a name, in TypeORM', 'typeorm', 'Tag', 'Tag'],
    ['a name, in MikroORM', 'mikroOrm', 'Tag', 'Tag'],
  ])('by %s', (_, store, reference, entity) => {
    const { plan, warnings } = resolvePlan(definePlan({ id: 'p', description: 'd', entities: [reference] }), [stores[store]], ['default'])
    expect(warnings).toEqual([])
    expect(plan.entities).toEqual([{ store, entity, bucket: 'default', ignore: [], sensitive: entity === 'Label' ? ['text'] : [], tenant: null }])
  })

  it('by schema among stores of both ORMs, and never the namesake', () => {
    const declared = definePlan({
      id: 'p',
      description: 'd',
      entities: [BackupEntity.for(typeormTag, { ignore: ['name'] }), BackupEntity.for(mikroLabel, { store: 'mikroOrm' })],
      exclude: [BackupIgnore.for(mikroTag, { reason: 'the other one' })],
    })
    const { plan, omissions } = resolvePlan(declared, [stores.typeorm, stores.mikroOrm], ['default'])
    expect(plan.entities.map(({ store, entity, ignore }) => [store, entity, ignore])).toEqual([
      ['mikroOrm', 'Label', []],
      ['typeorm', 'Tag', ['name']],
    ])
    expect(omissions).toEqual([{ store: 'mikroOrm', entity: 'Tag', reason: 'the other one' }])
  })
})
