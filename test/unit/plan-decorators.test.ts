import { describe, expect, it } from 'vitest'
import { BackupEntity, BackupIgnore, decorated, definePlan, inspectPlan, inventory, resolvePlan, Sensitive, TenantProperty } from '../../src/plan/index.ts'
import { AuditEntry, CacheEntry, Customer, decoratedShop, Order, shopStore } from '../fixtures/decorated-shop.ts'
import { mapped, storeOf } from '../support/plan-mapping.ts'

const BUCKETS = ['default', 'archive']

/** The same shop without a decorator in sight. */
function declaredShop() {
  class PlainOrder {
    id!: number
    tenantId!: string
    searchText!: string
    note!: string
    address!: { city: string; street: string; geo: { lat: number; lng: number } }
  }
  class PlainCustomer {
    id!: number
    tenantId!: string
    name!: string
  }
  const plain = storeOf(
    'main',
    shopStore.mapping.entities
      .filter(({ name }) => name === 'Order' || name === 'Customer')
      .map((entity) => ({ ...entity, embedded: [], target: entity.name === 'Order' ? PlainOrder : PlainCustomer })),
  )
  const plan = definePlan({
    id: 'shop',
    description: 'Orders and all they need',
    entities: [
      BackupEntity.for(PlainCustomer, { tenant: 'tenantId', sensitive: ['name'] }),
      BackupEntity.for(PlainOrder, { ignore: ['searchText', 'address.geo'], sensitive: ['note', 'address.street'], tenant: 'tenantId', bucket: 'archive' }),
    ],
  })
  return resolvePlan(plan, [plain], BUCKETS)
}

describe('decorators', () => {
  it('give the plan that definePlan gives, member by member and by digest', () => {
    expect(decoratedShop().plan).toEqual(declaredShop().plan)
    expect(decoratedShop().plan.entities).toEqual([
      { store: 'main', entity: 'Customer', bucket: 'default', ignore: [], sensitive: ['name'], tenant: 'tenantId' },
      {
        store: 'main',
        entity: 'Order',
        bucket: 'archive',
        ignore: ['address.geo.lat', 'address.geo.lng', 'searchText'],
        sensitive: ['address.street', 'note'],
        tenant: 'tenantId',
      },
    ])
  })

  it('hold as well where the class is named in a plan', () => {
    const named = resolvePlan(definePlan({ id: 'shop', description: 'Orders and all they need', entities: [Order, 'Customer'] }), [shopStore], BUCKETS)
    expect(named.plan).toEqual(decoratedShop().plan)
    expect(named.inclusions.map(({ because }) => because)).toEqual(['named', 'named'])
    expect(decoratedShop().inclusions.map(({ because }) => because)).toEqual(['decorated', 'decorated'])
  })

  it('are added to what the plan says itself', () => {
    const plan = definePlan({ id: 'shop', description: 'd', entities: [BackupEntity.for(Customer, { ignore: ['name'], bucket: 'archive' }), decorated()] })
    const [customer] = resolvePlan(plan, [shopStore], BUCKETS).inclusions
    // Ignored beats sensitive: a value that is not in the records needs no hiding.
    expect(customer).toMatchObject({ entity: 'Customer', bucket: 'archive', ignore: ['name'], sensitive: [], because: 'named' })
  })

  it('collect by plan id, and a mark without a plan for every plan', () => {
    const audit = resolvePlan(definePlan({ id: 'audit', description: 'd', entities: decorated() }), [shopStore], BUCKETS)
    expect(audit.plan.entities.map(({ entity }) => entity)).toEqual(['AuditEntry', 'Customer'])
  })

  it('tell the reasons of ignored properties and excluded classes', () => {
    const order = decoratedShop().inclusions.find(({ entity }) => entity === 'Order')
    expect(order?.ignored).toContainEqual({ path: 'searchText', reason: 'rebuilt from the lines' })
    const cache = inventory([shopStore], [decoratedShop()]).entities.find(({ entity }) => entity === 'CacheEntry')
    expect(cache).toMatchObject({ state: 'excluded', reason: 'filled again by use' })
  })

  it('refuse a plan that names an excluded class', () => {
    const { problems } = inspectPlan(definePlan({ id: 'p', description: 'd', entities: [AuditEntry, CacheEntry] }), [shopStore], BUCKETS)
    expect(problems.map(String)).toEqual([
      'entities[1] = "CacheEntry": it is excluded by @BackupIgnore: filled again by use. Take it from the plan, or take the decorator away.',
    ])
  })

  it('refuse decorated() that finds nothing', () => {
    const { problems } = inspectPlan(definePlan({ id: 'p', description: 'd', entities: decorated() }), [storeOf('main', [mapped('Note', ['id'])])], BUCKETS)
    expect(problems.map(({ problem }) => problem)).toEqual(['no mapped class carries @BackupEntity for this plan'])
  })

  it('report a mark on a property that is not persisted, or that may not be marked so', () => {
    class Wrong {
      @Sensitive()
      id!: number
      @BackupIgnore()
      virtual!: string
      @TenantProperty()
      place!: object
      @BackupIgnore()
      version!: number
    }
    const store = storeOf('main', [mapped('Wrong', ['id', 'place.city', 'place.street', 'version'], { target: Wrong, version: 'version' })])
    const { problems } = inspectPlan(definePlan({ id: 'p', description: 'd', entities: [Wrong] }), [store], BUCKETS)
    expect(problems.map(({ path, value, problem }) => [path, value, problem])).toEqual([
      ['Wrong.id', '@Sensitive', '"id" is part of the key of Wrong, and keys name records in manifests and diagnostics'],
      ['Wrong.virtual', '@BackupIgnore', 'Wrong persists no property "virtual"'],
      ['Wrong.place', '@TenantProperty', '"place" of Wrong is 2 columns'],
      ['Wrong.version', '@BackupIgnore', '"version" is the version of Wrong, by which a restore tells newer from older'],
    ])
  })
})

describe('decorators and inheritance', () => {
  it('heed property marks of single-table children in the table of their root', () => {
    @BackupEntity({ plan: 'p' })
    class Party {
      id!: number
      @Sensitive()
      name!: string
    }
    class Company extends Party {
      @BackupIgnore()
      vatNumber!: string
    }
    const store = storeOf('main', [
      mapped('Party', ['id', 'type', 'name', 'vatNumber'], {
        target: Party,
        aliases: [{ name: 'Company', target: Company }],
        discriminator: { field: 'type', values: ['c'] },
      }),
    ])
    const root = resolvePlan(definePlan({ id: 'p', description: 'd', entities: decorated() }), [store], ['default'])
    expect(root.plan.entities).toEqual([{ store: 'main', entity: 'Party', bucket: 'default', ignore: ['vatNumber'], sensitive: ['name'], tenant: null }])
    const child = resolvePlan(definePlan({ id: 'p', description: 'd', entities: [Company] }), [store], ['default'])
    expect(child.plan).toEqual(root.plan)
    expect(child.warnings.map(String)).toEqual([
      'entities[0] = "Company": it shares the table of Party, so all rows of that table are backed up. Name Party to say so.',
    ])
  })

  it('report a wrong mark of the root once, not again for each child', () => {
    @BackupEntity({ ignore: ['nmae'] })
    class Party {
      id!: number
    }
    class Company extends Party {}
    const store = storeOf('main', [mapped('Party', ['id', 'name'], { target: Party, aliases: [{ name: 'Company', target: Company }] })])
    const { problems } = inspectPlan(definePlan({ id: 'p', description: 'd', entities: decorated() }), [store], ['default'])
    expect(problems.map(String)).toEqual([
      'Party.@BackupEntity.ignore[0] = "nmae": Party persists no property "nmae". Did you mean "name"? Known properties: id, name.',
    ])
  })

  it('refuse to exclude a single-table child alone', () => {
    class Party {
      id!: number
    }
    @BackupIgnore({ reason: 'test data' })
    class Robot extends Party {}
    const store = storeOf('main', [mapped('Party', ['id'], { target: Party, aliases: [{ name: 'Robot', target: Robot }] })])
    const { problems } = inspectPlan(definePlan({ id: 'p', description: 'd', entities: [Party] }), [store], ['default'])
    expect(problems.map(String)).toEqual([
      'Robot.@BackupIgnore = "Robot": Robot shares the table of Party, and part of a table cannot be excluded. Take @BackupIgnore away, or exclude Party.',
    ])
  })

  it('leave marks of a mapped superclass to its own table (one table per type)', () => {
    class Person {
      id!: number
      @Sensitive()
      name!: string
    }
    class Employee extends Person {
      salary!: string
    }
    const store = storeOf('main', [mapped('Person', ['id', 'name'], { target: Person }), mapped('Employee', ['id', 'salary'], { target: Employee })])
    const { plan } = resolvePlan(definePlan({ id: 'p', description: 'd', entities: [Person, Employee] }), [store], ['default'])
    expect(plan.entities.map(({ entity, sensitive }) => [entity, sensitive])).toEqual([
      ['Employee', []],
      ['Person', ['name']],
    ])
  })

  it('let the nearest class mark win', () => {
    @BackupIgnore({ reason: 'base' })
    abstract class Base {
      id!: number
    }
    class Left extends Base {}
    @BackupEntity()
    class Taken extends Base {}
    const store = storeOf('main', [mapped('Left', ['id'], { target: Left }), mapped('Taken', ['id'], { target: Taken })])
    const resolution = resolvePlan(definePlan({ id: 'p', description: 'd', entities: decorated() }), [store], ['default'])
    expect(inventory([store], [resolution]).entities.map(({ entity, state, reason }) => [entity, state, reason])).toEqual([
      ['Left', 'excluded', 'base'],
      ['Taken', 'included', null],
    ])
  })
})

describe('decorators in the wrong place', () => {
  class Victim {
    id = 0
  }

  it.each<[string, () => unknown, string]>([
    ['a static member (legacy)', () => Sensitive()(Victim, 'count'), 'Victim.count = "@Sensitive": a static member is no persisted property'],
    ['a method (legacy)', () => Sensitive()(Victim.prototype, 'save', { value: () => {} }), 'Victim.save = "@Sensitive": a method is no persisted property'],
    ['a symbol (legacy)', () => Sensitive()(Victim.prototype, Symbol('s')), 'Victim.Symbol(s) = "@Sensitive": a property named by a symbol'],
    [
      'a property, for a class decorator',
      () => (BackupEntity() as (...args: unknown[]) => void)(Victim.prototype, 'id'),
      'Victim.id = "@BackupEntity": it belongs on a class, not on a property',
    ],
    [
      'a class, for a property decorator',
      () => (TenantProperty() as (...args: unknown[]) => void)(Victim),
      'Victim = "@TenantProperty": it belongs on a property, not on a class',
    ],
    [
      'an exclusion without a reason',
      () => (BackupIgnore() as (...args: unknown[]) => void)(Victim),
      'Victim = "@BackupIgnore": an entity is excluded without a reason',
    ],
    [
      'a #private member (ES)',
      () => es(Sensitive(), { kind: 'field', name: '#x', private: true, static: false, metadata: {} }),
      '#x = "@Sensitive": a #private member cannot be mapped',
    ],
    [
      'a static member (ES)',
      () => es(Sensitive(), { kind: 'field', name: 'x', private: false, static: true, metadata: {} }),
      'x = "@Sensitive": a static member is no persisted property',
    ],
    [
      'a method (ES)',
      () => es(BackupIgnore(), { kind: 'method', name: 'x', private: false, static: false, metadata: {} }),
      'x = "@BackupIgnore": a method is no persisted property',
    ],
  ])('%s is refused', (_, decorate, message) => {
    expect(decorate).toThrowError(expect.objectContaining({ code: 'E_PLAN_INVALID', message: expect.stringContaining(message) }))
  })

  it('refuse two contradicting class marks', () => {
    const decorate = () => {
      @BackupEntity()
      @BackupIgnore({ reason: 'r' })
      class Both {}
      return Both
    }
    expect(decorate).toThrowError(/Both = "@BackupEntity": the class is both included and excluded/)
  })

  it('refuse a compiler that passes no metadata, since the mark would be lost', () => {
    expect(() => es(Sensitive(), { kind: 'field', name: 'x', private: false, static: false })).toThrowError(expect.objectContaining({ code: 'E_CONFIG' }))
  })
})

describe('ES decorators, called as the runtime calls them', () => {
  it('are kept by the metadata object of the class, and inherited', () => {
    class Parent {
      id!: number
      secret!: string
    }
    class Child extends Parent {
      cache!: string
    }
    const [ofParent, ofChild] = [{}, {}]
    const metadata = (Symbol as unknown as { metadata: symbol }).metadata
    es(Sensitive(), { kind: 'field', name: 'secret', private: false, static: false, metadata: ofParent })
    es(BackupIgnore(), { kind: 'accessor', name: 'cache', private: false, static: false, metadata: ofChild })
    es(BackupEntity({ plan: 'p' }), { kind: 'class', name: 'Child', metadata: ofChild }, Child)
    Object.defineProperty(Parent, metadata, { value: ofParent })
    Object.defineProperty(Child, metadata, { value: ofChild })
    const store = storeOf('main', [
      mapped('Child', ['id', 'secret', 'cache'], { target: Child }),
      mapped('Parent', ['id', 'secret'], { target: Parent, table: 'other' }),
    ])
    const { plan } = resolvePlan(definePlan({ id: 'p', description: 'd', entities: [decorated(), Parent] }), [store], ['default'])
    expect(plan.entities.map(({ entity, ignore, sensitive }) => [entity, ignore, sensitive])).toEqual([
      ['Child', ['cache'], ['secret']],
      ['Parent', [], ['secret']],
    ])
  })
})

function es(decorator: unknown, context: object, value?: unknown): void {
  ;(decorator as (value: unknown, context: object) => void)(value, context)
}
