import { describe, expect, it } from 'vitest'
import { isHoldfastError } from '../../src/kernel/index.ts'
import {
  BackupEntity,
  BackupIgnore,
  bootPlans,
  BootReport,
  decorated,
  definePlan,
  inspectPlans,
  type BackupPlan,
  type BackupRegistrar,
  type IBackupPlanRegistry,
} from '../../src/plan/index.ts'
import { mapped, reference, storeOf } from '../support/plan-mapping.ts'

const main = storeOf('main', [
  mapped('Order', ['id', 'note', 'search', 'customer.id'], { references: [reference('customer.id', 'Customer')] }),
  mapped('Customer', ['id', 'tenantId']),
  mapped('Tag', ['id']),
  mapped('order_tags', ['o', 't'], { kind: 'junction', key: ['o', 't'], references: [reference('o', 'Order'), reference('t', 'Tag')] }),
  mapped('Log', ['id']),
])
const where = { stores: [main], buckets: ['default', 'cold'] }
const plan = (id: string, ...entities: string[]): BackupPlan => definePlan({ id, description: `Plan ${id}`, entities })

function registrar(moduleName: string, ...plans: BackupPlan[]): BackupRegistrar {
  return {
    moduleName,
    async register(registry) {
      await Promise.resolve()
      for (const one of plans) registry.register(one)
    },
    describe: () => `What ${moduleName} keeps`,
  }
}

async function failure(promise: Promise<unknown>) {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isHoldfastError(error)) throw error
  return error
}

describe('the boot', () => {
  it('collects plans of modules and of the application, and closes the registry', async () => {
    let kept: IBackupPlanRegistry | undefined
    const late: BackupRegistrar = { ...registrar('late'), register: (registry) => void (kept = registry) }
    const orders = plan('orders', 'Order')
    const { registry, report } = await bootPlans({
      ...where,
      plans: [plan('tags', 'Tag')],
      registrars: [registrar('shop', orders, plan('all', 'Order', 'Customer')), late],
    })
    expect(registry.list().map(({ id }) => id)).toEqual(['tags', 'orders', 'all'])
    expect(registry.get('orders')).toBe(orders)
    expect(registry.has('orders')).toBe(true)
    expect(registry.has('Orders')).toBe(false)
    expect(registry.resolved('orders')).toMatchObject({ id: 'orders', bucket: 'default', entities: [{ store: 'main', entity: 'Order' }] })
    expect(report.modules).toEqual([
      { name: 'shop', description: 'What shop keeps', plans: ['orders', 'all'] },
      { name: 'late', description: 'What late keeps', plans: [] },
    ])
    expect(report.plans.map(({ module, plan: { id } }) => [module, id])).toEqual([
      ['application', 'tags'],
      ['shop', 'orders'],
      ['shop', 'all'],
    ])
    expect(() => kept?.register(plan('x', 'Tag'))).toThrowError(
      expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining('module "late" registers plan "x" after boot') }),
    )
    expect(registry.has('x')).toBe(false)
  })

  it('answers for an unknown plan with those there are', async () => {
    const { registry } = await bootPlans({ ...where, plans: [plan('orders', 'Order'), plan('tags', 'Tag')] })
    for (const ask of [() => registry.get('ordes'), () => registry.resolved('ordes')]) {
      expect(ask).toThrowError(
        expect.objectContaining({
          code: 'E_PLAN_UNKNOWN',
          hint: 'Did you mean "orders"? Known plans: orders, tags.',
          details: { id: 'ordes', known: ['orders', 'tags'] },
        }),
      )
    }
    // A variable of the environment that is not set.
    expect(() => registry.get(process.env.NO_SUCH_PLAN_IS_NAMED!)).toThrowError(
      expect.objectContaining({ code: 'E_PLAN_UNKNOWN', hint: 'Known plans: orders, tags.' }),
    )
  })

  it('gives no resolved plan before it is over', async () => {
    const early: BackupRegistrar = {
      ...registrar('early'),
      register(registry) {
        registry.register(plan('orders', 'Order'))
        registry.resolved('orders')
      },
    }
    expect((await failure(bootPlans({ ...where, registrars: [early] }))).cause).toMatchObject({ code: 'E_CONFIG' })
  })

  it('reports the problems of all plans and modules in one error', async () => {
    const broken: BackupRegistrar = { ...registrar('broken'), register: () => Promise.reject(new Error('no licence')) }
    const error = await failure(
      bootPlans({
        stores: [main, main],
        buckets: ['default'],
        plans: [plan('orders', 'Ordr'), plan('tags', 'Tag')],
        registrars: [registrar('shop', plan('tags', 'Tag')), broken, registrar('shop'), registrar(' '), registrar('odd', 'no plan' as never)],
      }),
    )
    expect(error.code).toBe('E_PLAN_INVALID')
    expect(error.cause).toMatchObject({ message: 'no licence' })
    expect((error.details.problems as unknown[]).map(String)).toEqual([
      'registrars[1] = "broken": it failed: no licence. See the cause of the error.',
      'registrars[2].moduleName = "shop": two registrars of one module name. Give each module a name of its own.',
      'registrars[3].moduleName = " ": a registrar without a module name. Name the module.',
      'plan tags: modules "application" and "shop" both register it. Give each plan an id of its own.',
      'module odd = "no plan": it registers something that is no plan. Make plans with definePlan().',
      'stores[1].name = "main": two stores of one name. Give each store a name of its own.',
      'plan orders.entities[0] = "Ordr": no store maps it. Did you mean "Order"? Known entities: Order, Customer, Tag, order_tags, Log.',
      expect.stringContaining('plan tags.entities[0] = "Tag": several stores map it'),
    ])
    expect(error.details.report).toBeInstanceOf(BootReport)
  })

  it('only reports them to whoever inspects', async () => {
    const { report, registry } = await inspectPlans({ ...where, plans: [plan('orders', 'Ordr'), plan('tags', 'Tag')] })
    expect(report.problems).toHaveLength(1)
    expect(report.plans.map(({ plan: { id } }) => id)).toEqual(['tags'])
    expect(registry.resolved('tags').id).toBe('tags')
    expect(() => registry.resolved('orders')).toThrowError(expect.objectContaining({ code: 'E_CONFIG' }))
    expect(String(report)).toContain('Problems\n  plan orders.entities[0] = "Ordr"')
  })

  it('refuses a class decorated for a plan that does not take it', async () => {
    @BackupEntity({ plan: ['shpo', 'orders', 'tags'] })
    class Order {
      id!: number
    }
    const store = storeOf('main', [mapped('Order', ['id'], { target: Order }), mapped('Tag', ['id'])])
    const error = await failure(
      bootPlans({ stores: [store], buckets: ['default'], plans: [plan('shop', 'Tag'), plan('orders', 'Order'), plan('tags', 'Tag')] }),
    )
    expect((error.details.problems as unknown[]).map(String)).toEqual([
      'Order.@BackupEntity.plan[0] = "shpo": no such plan. Did you mean "shop"? Known plans: shop, orders, tags.',
      'Order.@BackupEntity.plan[2] = "tags": that plan neither names the class nor collects decorated ones. Add decorated() to the entities of plan "tags".',
    ])
  })

  it('reports a misspelt plan where it stands, and not a second time for what follows from it', async () => {
    @BackupEntity({ plan: 'shpo' })
    class Order {
      id!: number
    }
    const store = storeOf('main', [mapped('Order', ['id'], { target: Order }), mapped('Tag', ['id'])])
    const shop = definePlan({ id: 'shop', description: 'All that is decorated', entities: decorated() })
    const error = await failure(bootPlans({ stores: [store], buckets: ['default'], plans: [shop, plan('tags', 'Tag')] }))
    expect((error.details.problems as unknown[]).map(String)).toEqual([
      'Order.@BackupEntity.plan[0] = "shpo": no such plan. Did you mean "shop"? Known plans: shop, tags.',
    ])
  })

  it('carries its report, but does not bury a log under it', async () => {
    const error = await failure(bootPlans({ ...where, plans: [plan('orders', 'Ordr')] }))
    expect(error.details.report).toBeInstanceOf(BootReport)
    expect(Object.keys(error.details)).toEqual(['problems'])
    expect(JSON.stringify(error)).not.toContain('inventory')
  })

  it('prints a report that people can read', async () => {
    const shop = definePlan({
      id: 'shop',
      description: 'Orders and all they need',
      entities: [
        BackupEntity.for('Order', { ignore: ['search'], sensitive: ['note'], bucket: 'cold' }),
        BackupEntity.for('Customer', { tenant: 'tenantId' }),
        'Tag',
      ],
      exclude: [BackupIgnore.for('Log', { reason: 'kept elsewhere' })],
    })
    const { report } = await bootPlans({
      ...where,
      registrars: [registrar('shop', shop)],
      plans: [definePlan({ id: 'orders', description: 'Orders alone', entities: ['Order'], policy: { compression: 'none', concurrency: 1 } })],
    })
    expect(String(report).replaceAll(/digest [0-9a-f]{12}/g, 'digest …')).toBe(
      `
Holdfast: 1 module, 2 plans, 2 warnings, 0 problems
Modules
  shop  What shop keeps  shop
Plan orders: Orders alone
  by application, to bucket default, not compressed, 1 range at once, digest …
  main.Order  named
Plan shop: Orders and all they need
  by shop, to bucket default, zstd level 3, 2 ranges at once, digest …
  main.Customer    named                      tenant tenantId
  main.Order       named                      to bucket cold; ignores search; sensitive note
  main.Tag         named
  main.order_tags  junction of Order and Tag  to bucket cold
  without main.Log: kept elsewhere
Warnings
  plan orders.Order = "Customer": its rows refer to Customer, which is not in the plan. A restore needs those parents to be there still; include them if they may be lost too.
  plan orders.order_tags = "Tag": it links Order and Tag, and only one side is in the plan, so the links are not backed up. Include Tag, or name "order_tags" in the plan.
`.trim(),
    )
  })
})
