import { describe, expect, it } from 'vitest'
import { defineRestore, type NamedRestore, pick, renamedFrom } from '../../src/index.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { definePlan, type IBackupPlanRegistry, resolvePlan } from '../../src/plan/index.ts'
import { namedRestores } from '../../src/service/index.ts'
import { mapped, storeOf } from '../support/plan-mapping.ts'

const shop = storeOf('shop', [mapped('Order', ['id', 'customer.id', 'price']), mapped('Note', ['id']), mapped('Tenant', ['id'])])
const staging = storeOf('staging', [mapped('Order', ['id', 'customer.id', 'price'])])
const plans = [
  definePlan({ id: 'shop', description: 'Orders', entities: [{ entity: 'Order', store: 'shop' }] }),
  definePlan({ id: 'tenant', description: 'One tenant', entities: ['Tenant'], scope: { by: 'store', stores: () => [] } }),
]
const registry = {
  has: (id: string) => plans.some((plan) => plan.id === id),
  list: () => plans,
  resolved: (id: string) =>
    resolvePlan(
      plans.find((plan) => plan.id === id)!,
      [shop, staging],
      ['default'],
    ).plan,
} as unknown as IBackupPlanRegistry

const restores = (declared: readonly unknown[], masking = false) =>
  namedRestores(declared as readonly NamedRestore[], {
    stores: new Map([shop, staging].map((store) => [store.name, store as never])),
    plans: registry,
    schema: [renamedFrom('Order', { entity: 'Purchase' })],
    masking,
  })
const GOOD = defineRestore({ id: 'orders', description: 'Orders as they were', plan: 'shop' })

function problems(...declared: readonly unknown[]): readonly string[] {
  try {
    restores(declared)
  } catch (error) {
    if (isHoldfastError(error, 'E_CONFIG')) return error.message.split('\n').slice(1)
    throw error
  }
  return []
}

describe('the declaration of named restores', () => {
  it('is taken when all of it is there, under the names of today and of older snapshots', () => {
    expect(problems(GOOD, { ...GOOD, id: 'some', entities: ['Order', 'shop.Order', 'Purchase'], into: { shop: 'staging' } })).toEqual([])
    expect(problems({ ...GOOD, select: [pick('Order', { where: { 'customer.id': 1, price: 1 }, fields: ['price'] as never })] })).toEqual([])
    expect(restores([{ ...GOOD, mask: true }], true).list()).toHaveLength(1)
  })

  it.each<[Partial<Record<keyof NamedRestore | 'dryRun', unknown>>, string]>([
    [{ id: 'Orders!' }, 'restores[0].id = "Orders!": no id. Use 1 to 63 of a-z, 0-9 and -, not beginning with -.'],
    [{ description: ' ' }, 'restores[0].description = " ": no description'],
    [{ plan: 'shops' }, 'restores[0].plan = "shops": no such plan. Did you mean "shop"? Known plans: shop, tenant.'],
    [{ plan: undefined }, 'restores[0].plan: no plan'],
    [{ polici: 'skip' } as never, 'restores[0].declaration: a named restore has no option `polici`; did you mean `policy`?'],
    [{ dryRun: true }, 'a named restore has no option `dryRun`'],
    [{ policy: 'newest' }, '`policy` is "newest"; expected'],
    [{ related: {} }, '`related` is given without `select`'],
    [{ entities: ['Note'] }, 'restores[0].entities[0] = "Note": plan "shop" backs up no such entity. Known entities of the plan: Order.'],
    [{ select: [{ entity: 'Ordr' }] }, 'restores[0].select[0].entity = "Ordr": plan "shop" backs up no such entity. Did you mean "Order"?'],
    [{ select: [{ entity: 'Order', fields: ['prize'] }] }, 'restores[0].select[0] = "prize": Order has no such property. Did you mean "price"?'],
    [{ select: [{ entity: 'Order', where: { custom: 1 } }] }, 'restores[0].select[0].where: "Order" has no field "custom"'],
    [{ select: [{ entity: 'Order' }], related: { children: ['Note'] } }, 'restores[0].related.children = "Note": plan "shop" backs up no such entity'],
    [{ into: { shop: 'stagin' } }, 'restores[0].into.shop = "stagin": no such store. Did you mean "staging"?'],
    [{ into: { shap: 'staging' } }, 'restores[0].into.shap = "shap": plan "shop" backs up no such store'],
    [{ mask: true }, 'restores[0].mask = true: nothing says how values are masked'],
  ])('is refused with %j', (more, problem) => {
    expect(problems({ ...GOOD, ...more }).join('\n')).toContain(problem)
  })

  it('is refused as a whole, with every problem of every one', () => {
    const found = problems(GOOD, GOOD, null, { ...GOOD, id: 'other', plan: 'none', description: '' })
    expect(found).toHaveLength(4)
    expect(found[0]).toContain('1. restores[1].id = "orders": it is declared twice')
  })

  it('wants a tenant where its plan has them, and only there', () => {
    const { request } = restores([GOOD, { ...GOOD, id: 'mine', plan: 'tenant' }])
    expect(request('mine', { scope: 'acme', at: '2026-01-01T00:00:00Z' })).toEqual({
      name: 'mine',
      snapshot: { plan: 'tenant', at: '2026-01-01T00:00:00Z' },
      scope: 'acme',
    })
    expect(request('orders', { by: undefined })).toEqual({ name: 'orders', snapshot: { plan: 'shop' } })
    expect(() => request('mine')).toThrow('E_SCOPE')
    expect(() => request('orders', { scope: 'acme' })).toThrow('E_SCOPE')
  })
})
