import { describe, expect, it } from 'vitest'
import { isHoldfastError } from '../../src/kernel/index.ts'
import { BackupEntity, BackupIgnore, definePlan, inspectPlan, PlanProblem, resolvePlan, type BackupPlan, type PlanDeclaration } from '../../src/plan/index.ts'
import { mapped, reference, storeOf } from '../support/plan-mapping.ts'

class Order {
  id!: number
  searchText!: string
  total!: string
  customer!: Customer
}
class Customer {
  id!: number
  email!: string
}
class Tag {
  id!: number
}
class Category {
  id!: number
}
class OrderSummary {}

const main = storeOf(
  'main',
  [
    mapped('Order', ['id', 'searchText', 'total', 'version', 'customer.id'], {
      target: Order,
      version: 'version',
      references: [reference('customer.id', 'Customer')],
    }),
    mapped('Customer', ['id', 'email'], { target: Customer }),
    mapped('Tag', ['id'], { target: Tag }),
    mapped('Category', ['id'], { target: Category }),
    mapped('order_tags', ['order.id', 'tag.id'], {
      kind: 'junction',
      key: ['order.id', 'tag.id'],
      references: [reference('order.id', 'Order'), reference('tag.id', 'Tag')],
    }),
    mapped('category_closure', ['ancestor.id', 'descendant.id'], {
      kind: 'closure',
      key: ['ancestor.id', 'descendant.id'],
      references: [reference('ancestor.id', 'Category'), reference('descendant.id', 'Category')],
    }),
    mapped('Log', ['text'], { key: [] }),
  ],
  [{ name: 'OrderSummary', target: OrderSummary, reason: 'a view' }],
)
const crm = storeOf('crm', [
  mapped('Customer', ['id', 'email'], { target: Customer }),
  mapped('Lead', ['id', 'company.id'], { references: [reference('company.id', undefined)] }),
])
const STORES = [main, crm]
const BUCKETS = ['default', 'cold']

function plan(declaration: Partial<PlanDeclaration>): BackupPlan {
  return definePlan({ id: 'shop', description: 'Orders', entities: [Tag], ...declaration })
}

function problems(declaration: Partial<PlanDeclaration>, buckets = BUCKETS): string[] {
  return inspectPlan(plan(declaration), STORES, buckets).problems.map(String)
}

function resolve(declaration: Partial<PlanDeclaration>, buckets = BUCKETS) {
  return resolvePlan(plan(declaration), STORES, buckets)
}

describe('a plan with nothing wrong', () => {
  it('is resolved to frozen plain data with policy defaults', () => {
    const resolved = resolve({
      entities: [BackupEntity.for(Order, { ignore: ['searchText'], sensitive: ['total'], bucket: 'cold' }), BackupEntity.for(Customer, { store: 'main' })],
    }).plan
    expect(resolved).toEqual({
      id: 'shop',
      description: 'Orders',
      bucket: 'default',
      entities: [
        { store: 'main', entity: 'Customer', bucket: 'default', ignore: [], sensitive: [], tenant: null },
        { store: 'main', entity: 'Order', bucket: 'cold', ignore: ['searchText'], sensitive: ['total'], tenant: null },
      ],
      policy: {
        compression: 'zstd',
        level: 3,
        chunkBytes: 8 * 1024 * 1024,
        concurrency: 2,
        requireConsistency: null,
        fullAfterDays: 30,
        fullAfterSnapshots: 1000,
        reconcileEvery: null,
        maxViewAgeMs: 21_600_000,
        whenViewAges: 'warn',
        source: {
          maxRowsPerSecond: null,
          maxBytesPerSecond: null,
          maxReplicationLagMs: null,
          pauseWhen: null,
          checkEveryMs: 5000,
          maxWaitMs: 3_600_000,
        },
        retention: null,
      },
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(JSON.parse(JSON.stringify(resolved))).toEqual(resolved)
    for (const part of [resolved, resolved.entities, resolved.entities[1], resolved.entities[1]?.ignore, resolved.policy])
      expect(Object.isFrozen(part)).toBe(true)
  })

  it('has a digest that stands for what is stored, and for nothing else', () => {
    const digest = (declaration: Partial<PlanDeclaration>) => resolve({ entities: [Order, Tag], ...declaration }).plan.digest
    const same = digest({})
    expect(digest({ description: 'Other words' })).toBe(same)
    expect(digest({ policy: { concurrency: 7 } })).toBe(same)
    expect(digest({ policy: { level: 3 } })).toBe(same)
    expect(digest({ policy: { fullAfterDays: 1, fullAfterSnapshots: 5 } })).toBe(same)
    expect(digest({ policy: { retention: { last: 3, strategy: () => new Map() } } })).toBe(same)
    expect(digest({ policy: { source: { maxRowsPerSecond: 5, pauseWhen: () => 'ok' } } })).toBe(same)
    expect(digest({ entities: ['Tag', 'Order'] })).toBe(same)
    const others = [
      digest({ id: 'shop2' }),
      digest({ bucket: 'cold' }),
      digest({ policy: { level: 4 } }),
      digest({ policy: { chunkBytes: 65536 } }),
      digest({ policy: { requireConsistency: 'snapshot' } }),
      digest({ entities: [Order] }),
      digest({ entities: [BackupEntity.for(Order, { ignore: ['total'] }), Tag] }),
      digest({ entities: [BackupEntity.for(Order, { sensitive: ['total'] }), Tag] }),
      digest({ entities: [BackupEntity.for(Order, { tenant: 'customer' }), Tag] }),
    ]
    expect(new Set([same, ...others]).size).toBe(others.length + 1)
  })

  it('takes junction tables between included entities and closure tables along', () => {
    const { inclusions } = resolve({ entities: [BackupEntity.for(Order, { bucket: 'cold' }), Tag, Category] })
    expect(inclusions.map(({ entity, because, owners, bucket }) => [entity, because, owners, bucket])).toEqual([
      ['Category', 'named', [], 'default'],
      ['Order', 'named', [], 'cold'],
      ['Tag', 'named', [], 'default'],
      ['category_closure', 'closure', ['Category'], 'default'],
      ['order_tags', 'junction', ['Order', 'Tag'], 'cold'],
    ])
  })

  it('leaves out what it excludes, also what would come along', () => {
    const { plan: resolved, omissions } = resolve({ entities: [Order, Tag], exclude: [BackupIgnore.for('order_tags', { reason: 'derived' })] })
    expect(resolved.entities.map(({ entity }) => entity)).toEqual(['Order', 'Tag'])
    expect(omissions).toEqual([{ store: 'main', entity: 'order_tags', reason: 'derived' }])
  })

  it('warns of parents outside the plan and of links with one side inside', () => {
    expect(resolve({ entities: [Order, 'Lead'] }).warnings.map(({ path, value, problem }) => [path, value, problem])).toEqual([
      ['Lead', 'table legacy_table', 'its rows refer to table legacy_table, which is not in the plan'],
      ['Order', 'Customer', 'its rows refer to Customer, which is not in the plan'],
      ['order_tags', 'Tag', 'it links Order and Tag, and only one side is in the plan, so the links are not backed up'],
    ])
    expect(resolve({ entities: [BackupEntity.for(Order, { ignore: ['customer'] })] }).warnings.map(({ path }) => path)).toEqual(['order_tags'])
  })

  it('goes to the only bucket, else to the one called default', () => {
    expect(resolve({}, ['only']).plan.bucket).toBe('only')
    expect(resolve({}, ['cold', 'default']).plan.bucket).toBe('default')
    expect(resolve({ bucket: 'cold' }).plan.entities[0]?.bucket).toBe('cold')
  })

  it('may take one class from two stores by naming it for each', () => {
    const { plan: resolved } = resolve({ entities: [BackupEntity.for(Customer, { store: 'main' }), BackupEntity.for(Customer, { store: 'crm' })] })
    expect(resolved.entities.map(({ store, entity }) => `${store}.${entity}`)).toEqual(['crm.Customer', 'main.Customer'])
  })

  it('uses the level that is usual for its compression', () => {
    expect(resolve({ policy: { compression: 'gzip' } }).plan.policy.level).toBe(6)
    expect(resolve({ policy: { compression: 'none' } }).plan.policy.level).toBe(0)
  })
})

describe('a declaration is copied and frozen', () => {
  it('so that changing what was handed over changes no plan', () => {
    const ignore: 'total'[] = ['total']
    const entities = [BackupEntity.for(Order, { ignore })]
    const declared = plan({ entities })
    ignore.length = 0
    entities.length = 0
    expect(declared.entities).toEqual([{ entity: Order, ignore: ['total'] }])
    expect(Object.isFrozen(declared.entities[0]?.ignore)).toBe(true)
    expect(Object.isFrozen(Order)).toBe(false)
  })
})

describe('problems', () => {
  it('are reported all at once, with path, value and remedy', () => {
    const broken = plan({
      id: 'Shop Plan',
      description: ' ',
      bucket: 'hot',
      entities: [BackupEntity.for(Order, { ignore: ['serchText' as never, 'id'], bucket: 'cool' }), 'Ordr', Customer],
      policy: { level: 40, concurrency: 0 },
    })
    let error: unknown
    try {
      resolvePlan(broken, STORES, BUCKETS)
    } catch (thrown) {
      error = thrown
    }
    if (!isHoldfastError(error, 'E_PLAN_INVALID')) throw error
    const listed = error.details.problems as PlanProblem[]
    expect(listed.map(({ path, value }) => [path, value])).toEqual([
      ['id', 'Shop Plan'],
      ['description', ' '],
      ['policy.level', 40],
      ['policy.concurrency', 0],
      ['bucket', 'hot'],
      ['entities[1]', 'Ordr'],
      ['entities[2]', 'Customer'],
      ['entities[0].ignore[0]', 'serchText'],
      ['entities[0].ignore[1]', 'id'],
      ['entities[0].bucket', 'cool'],
    ])
    for (const problem of listed) {
      expect(problem).toBeInstanceOf(PlanProblem)
      expect(error.message).toContain(String(problem))
      expect(problem.remedy).not.toBe('')
    }
    expect(error.message).toContain('plan "Shop Plan" has 10 problems:\n  1. id = "Shop Plan": not a plan id.')
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      code: 'E_PLAN_INVALID',
      details: { problems: [{ path: 'id', value: 'Shop Plan' }, {}, {}, {}, {}, {}, {}, {}, {}, {}] },
    })
  })

  it.each<[string, Partial<PlanDeclaration>, string]>([
    [
      'an unknown entity',
      { entities: ['Ordr'] },
      'entities[0] = "Ordr": no store maps it. Did you mean "Order"? Known entities: Order, Customer, Tag, Category, order_tags, category_closure, Log, Lead.',
    ],
    [
      'an unknown store',
      { entities: [BackupEntity.for(Tag, { store: 'mian' })] },
      'entities[0].store = "mian": no such store. Did you mean "main"? Known stores: main, crm.',
    ],
    [
      'an entity of another store',
      { entities: [BackupEntity.for(Tag, { store: 'crm' })] },
      'entities[0] = "Tag": store "crm" does not map it. It is mapped by: main.',
    ],
    ['an unknown bucket', { bucket: 'defualt' }, 'bucket = "defualt": no such bucket. Did you mean "default"? Known buckets: default, cold.'],
    [
      'an entity of several stores',
      { entities: [Customer] },
      'entities[0] = "Customer": several stores map it: main, crm. Choose by `store`; to take it from several, name it once for each.',
    ],
    ['a view', { entities: [OrderSummary] }, 'entities[0] = "OrderSummary": it cannot be backed up: a view. Take it from the plan.'],
    [
      'an entity without key',
      { entities: ['Log'] },
      'entities[0] = "Log": it has no key, and records are told apart by their key. Map a primary key, or exclude it with a reason.',
    ],
    ['no entity', { entities: [] }, 'entities = "none": the plan names no entity. Name at least one, or use decorated().'],
    [
      'a misspelt list of entities',
      { entities: undefined, ...({ entites: [Tag] } as object) },
      'entites = "a list": no such member. Did you mean "entities"? Known members: id, description, entities, decorated, exclude, bucket, scope, policy, hooks.',
    ],
    [
      'a text for a list',
      { entities: 'Tga' as never },
      'entities[0] = "Tga": no store maps it. Did you mean "Tag"? Known entities: Order, Customer, Tag, Category, order_tags, category_closure, Log, Lead.',
    ],
    ['nothing for an exclusion', { exclude: [null as never] }, "exclude[0]: not an exclusion. Use BackupIgnore.for(Entity, { reason: '…' })."],
    [
      'an exclusion that is no list, nor an exclusion',
      { exclude: 'Log' as never },
      'exclude[0] = "Log": not an exclusion. Use BackupIgnore.for(Entity, { reason: \'…\' }).',
    ],
    ['an entity named twice', { entities: [Tag, 'Tag'] }, 'entities[1] = "Tag": it is named twice, here and at entities[0]. Keep one of them.'],
    [
      'another class of the same name',
      { entities: [class Tag {}] },
      'entities[0] = "Tag": no store maps it, but another class of that name is mapped. Import the class that the ORM maps, or name the entity as text.',
    ],
    [
      'a class of the name of an entity that has no class',
      { entities: [class Lead {}] },
      'entities[0] = "Lead": no store maps it, but another class of that name is mapped. Import the class that the ORM maps, or name the entity as text.',
    ],
    [
      'something that is no entity',
      { entities: [() => {}] },
      'entities[0] = "() => {}": not an entity. Give a class, an EntitySchema, a defineEntity result or a name.',
    ],
    ['null for an entity', { entities: [null as never] }, 'entities[0]: not an entity. Give a class, an EntitySchema, a defineEntity result or a name.'],
    [
      'an unknown property',
      { entities: [BackupEntity.for('Order', { sensitive: ['totl'] })] },
      'entities[0].sensitive[0] = "totl": Order persists no property "totl". Did you mean "total"? Known properties: id, searchText, total, version, customer.id.',
    ],
    [
      'an unknown tenant property',
      { entities: [BackupEntity.for('Tag', { tenant: 'owner' })] },
      'entities[0].tenant = "owner": Tag persists no property "owner". Known properties: id.',
    ],
    [
      'an ignored key',
      { entities: [BackupEntity.for(Tag, { ignore: ['id'] })] },
      'entities[0].ignore[0] = "id": "id" is part of the key of Tag; without it no record can be told from another. Leave key properties in.',
    ],
    [
      'an ignored version',
      { entities: [BackupEntity.for('Order', { ignore: ['version'] })] },
      'entities[0].ignore[0] = "version": "version" is the version of Order, by which a restore tells newer from older. Leave the version property in.',
    ],
    [
      'a sensitive key',
      { entities: [BackupEntity.for(Tag, { sensitive: ['id'] })] },
      'entities[0].sensitive[0] = "id": "id" is part of the key of Tag, and keys name records in manifests and diagnostics. Leave key properties out.',
    ],
    [
      'an ignored tenant',
      { entities: [BackupEntity.for(Order, { ignore: ['customer'], tenant: 'customer.id' })] },
      'entities[0].tenant = "customer.id": the tenant property "customer.id" of Order is ignored. Leave the tenant property in.',
    ],
    [
      'a cursor that writes leave as it is',
      { entities: [BackupEntity.for('Order', { cursor: 'id' })] },
      'entities[0].cursor = "id": "id" is part of the key of Order, which writes leave as it is. Name a version or an updated-at.',
    ],
    [
      'a cursor of which nobody makes sure',
      { entities: [BackupEntity.for('Order', { cursor: 'version' })] },
      'policy.reconcileEvery: a cursor misses writes that do not move it (Order), and no run makes sure. Say in every how many runs all is compared.',
    ],
    [
      'a cursor where consistency is required',
      { entities: [BackupEntity.for('Order', { cursor: 'version' })], policy: { reconcileEvery: 5, requireConsistency: 'snapshot' } },
      'policy.requireConsistency = "snapshot": a cursor proves nothing (Order). Leave the cursor out, or require no more than "fuzzy".',
    ],
    [
      'reconciling runs without a cursor',
      { policy: { reconcileEvery: 5 } },
      'policy.reconcileEvery = 5: no entity of the plan has a cursor, so every run is exact. Leave it out.',
    ],
    [
      'an entity both named and excluded',
      { exclude: [BackupIgnore.for(Tag, { reason: 'r' })] },
      'entities[0] = "Tag": the plan excludes it as well: r. Keep one of the two.',
    ],
    [
      'an exclusion of nothing',
      { exclude: [BackupIgnore.for('Tga', { reason: 'r' })] },
      'exclude[0] = "Tga": no store maps it. Did you mean "Tag"? Known entities: Order, Customer, Tag, Category, order_tags, category_closure, Log, Lead.',
    ],
    [
      'an exclusion without reason',
      { exclude: [BackupIgnore.for(Category, { reason: '' })] },
      'exclude[0].reason = "": an entity is excluded without a reason. Say why it need not be backed up.',
    ],
    [
      'an unknown member',
      { plicy: {} } as never,
      'plicy = "an object": no such member. Did you mean "policy"? Known members: id, description, entities, decorated, exclude, bucket, scope, policy, hooks.',
    ],
    [
      'an unknown option',
      { entities: [{ entity: Tag, ignored: ['x'] } as never] },
      'entities[0].ignored = "a list": no such member. Did you mean "ignore"? Known members: entity, ignore, sensitive, tenant, tenantThrough, cursor, store, bucket.',
    ],
    [
      'an unknown policy member',
      { policy: { compresion: 'zstd' } as never },
      'policy.compresion = "zstd": no such policy member. Did you mean "compression"? Known members: compression, level, chunkBytes, concurrency, requireConsistency, fullAfterDays, fullAfterSnapshots, reconcileEvery, maxViewAgeMs, whenViewAges, source, retention.',
    ],
    [
      'an unknown compression',
      { policy: { compression: 'lzma' as never, level: 12 } },
      'policy.compression = "lzma": not one of the choices. Choose "zstd", "gzip", "none".',
    ],
    [
      'a gzip level out of range',
      { policy: { compression: 'gzip', level: 12 } },
      'policy.level = 12: not a whole number in range. Give a whole number from 1 to 9.',
    ],
    ['a level without compression', { policy: { compression: 'none', level: 1 } }, 'policy.level = 1: not a whole number in range. Only 0 is possible here.'],
    [
      'a chunk too small',
      { policy: { chunkBytes: 1000 } },
      'policy.chunkBytes = 1000: not a whole number in range. Give a whole number from 65536 to 67108864.',
    ],
    [
      'an unknown consistency',
      { policy: { requireConsistency: 'strict' as never } },
      'policy.requireConsistency = "strict": not one of the choices. Choose "snapshot", "entity", "fuzzy", null.',
    ],
    [
      'an unknown limit',
      { policy: { source: { maxRowPerSecond: 5 } as never } },
      'policy.source.maxRowPerSecond = 5: no such limit. Did you mean "maxRowsPerSecond"? Known limits: maxRowsPerSecond, maxBytesPerSecond, maxReplicationLagMs, pauseWhen, checkEveryMs, maxWaitMs.',
    ],
    [
      'a rate of nothing',
      { policy: { source: { maxRowsPerSecond: 0 } } },
      'policy.source.maxRowsPerSecond = 0: not a whole number in range. Give a whole number from 1 to 1000000000.',
    ],
    [
      'a wait without an end',
      { policy: { source: { maxWaitMs: null as never } } },
      'policy.source.maxWaitMs: not a whole number in range. Give a whole number from 1000 to 604800000.',
    ],
    [
      'a probe that cannot be asked',
      { policy: { source: { pauseWhen: 'night' as never } } },
      "policy.source.pauseWhen = \"night\": not a function. Give a function that answers 'ok' or 'wait', or leave it out.",
    ],
    ['a policy that is no object', { policy: 'fast' as never }, 'policy = "fast": not an object. Give an object of policy members, or leave it out.'],
    [
      'options that are no lists',
      { entities: [{ entity: Tag, ignore: 'x' as never, store: 7 as never }] },
      'entities[0].ignore = "x": not a list. Give a list of property paths.\nentities[0].store = 7: not a name. Give it as text, or leave it out.',
    ],
  ])('%s', (_, declaration, expected) => {
    expect(problems(declaration).join('\n')).toBe(expected)
  })

  it.each(['', '-shop', 'Shop', 'shop_1', 'shöp', 'a'.repeat(64), 'a/b', 'a\n'])('refuses the id %j', (id) => {
    expect(problems({ id })).toHaveLength(1)
  })

  it.each(['a', '0', 'shop-2026', 'a'.repeat(63)])('takes the id %j', (id) => {
    expect(problems({ id })).toEqual([])
  })

  it('refuse to guess a bucket', () => {
    expect(problems({}, ['a', 'b'])).toEqual(['bucket: several buckets are configured and none is called "default". Name one of them: a, b.'])
    expect(problems({}, [])).toEqual(['bucket: no bucket is configured. Hand Holdfast a storage.'])
  })

  it('name both buckets that one table is sent to by its single-table children', () => {
    class Party {
      id!: number
    }
    class Company extends Party {}
    const store = storeOf('main', [mapped('Party', ['id'], { target: Party, aliases: [{ name: 'Company', target: Company }] })])
    const declared = definePlan({
      id: 'p',
      description: 'd',
      entities: [BackupEntity.for(Party, { bucket: 'default' }), BackupEntity.for(Company, { bucket: 'cold' })],
    })
    expect(inspectPlan(declared, [store], BUCKETS).problems.map(String)).toEqual([
      'entities[1].bucket = "cold": the table of Party cannot go to two buckets. Name one bucket for it.',
    ])
  })

  it('include an ignored discriminator', () => {
    const store = storeOf('main', [mapped('Party', ['id', 'type'], { discriminator: { field: 'type', values: ['a'] } })])
    const declared = definePlan({ id: 'p', description: 'd', entities: [BackupEntity.for('Party', { ignore: ['type'] })] })
    expect(inspectPlan(declared, [store], BUCKETS).problems.map(({ problem }) => problem)).toEqual(['"type" tells the classes in the table of Party apart'])
  })

  it('leave no half-resolved plan', () => {
    expect(inspectPlan(plan({ entities: ['Ordr', Tag] }), STORES, BUCKETS).resolution).toBeNull()
  })
})
