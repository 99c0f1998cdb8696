import { describe, expect, it } from 'vitest'
import { assertScopeValue } from '../../src/contracts/index.ts'
import { isHoldfastError } from '../../src/kernel/index.ts'
import { BackupEntity, definePlan, inspectPlan, type PlanDeclaration, resolvePlan } from '../../src/plan/index.ts'
import { mapped, reference, storeOf } from '../support/plan-mapping.ts'

const main = storeOf('main', [
  mapped('Order', ['id', 'tenantId', 'total']),
  mapped('Tag', ['id', 'tenantId']),
  mapped('Line', ['id', 'order.id', 'tag.id'], { references: [reference('order.id', 'Order'), reference('tag.id', 'Tag')] }),
  mapped('Note', ['id', 'order.id'], { references: [reference('order.id', 'Order')] }),
  mapped('NotePart', ['id', 'note.id', 'note2.id', 'parent.id'], {
    references: [reference('note.id', 'Note'), reference('parent.id', 'NotePart')],
  }),
  mapped('Country', ['id']),
])

const order = BackupEntity.for('Order', { tenant: 'tenantId' })
const tag = BackupEntity.for('Tag', { tenant: 'tenantId' })

const planOf = (declaration: Partial<PlanDeclaration>) =>
  definePlan({ id: 'shop', description: 'Orders', scope: { by: 'column' }, entities: [order], ...declaration })
const problemsOf = (declaration: Partial<PlanDeclaration>) => inspectPlan(planOf(declaration), [main], ['default']).problems.map(String)
const resolve = (declaration: Partial<PlanDeclaration>) => resolvePlan(planOf(declaration), [main], ['default'])
const toOrder = { fields: ['order.id'], entity: 'Order', references: ['id'] }

describe('a plan with a scope by column', () => {
  it('finds the way of every row to its tenant', () => {
    const { plan } = resolve({ entities: [order, tag, 'Note', 'NotePart', BackupEntity.for('Line', { tenantThrough: 'order' })] })
    expect(plan.scope).toEqual({ by: 'column' })
    expect(Object.fromEntries(plan.entities.map(({ entity, owner }) => [entity, owner]))).toEqual({
      Order: { path: [], field: 'tenantId' },
      Tag: { path: [], field: 'tenantId' },
      Note: { path: [toOrder], field: 'tenantId' },
      NotePart: { path: [{ fields: ['note.id'], entity: 'Note', references: ['id'] }, toOrder], field: 'tenantId' },
      Line: { path: [toOrder], field: 'tenantId' },
    })
  })

  it('refuses to choose between two foreign keys', () => {
    expect(problemsOf({ entities: [order, tag, 'Line'] })).toEqual([
      'Line.tenantThrough = "Line": several foreign keys lead to a tenant: order.id; tag.id. Say by which a row belongs to its tenant: `tenantThrough`.',
    ])
  })

  it('takes no table of all tenants in silence', () => {
    expect(problemsOf({ entities: [order, 'Country'] })).toEqual([expect.stringContaining('scope.shared = "Country"')])
    // A foreign key to an entity that is not in the plan leads nowhere.
    expect(problemsOf({ entities: [tag, 'Note'] })).toEqual([expect.stringContaining('scope.shared = "Note"')])
    expect(
      resolve({ entities: [order, 'Country'], scope: { by: 'column', shared: 'include' } }).plan.entities.find(({ entity }) => entity === 'Country'),
    ).toMatchObject({
      shared: true,
    })
    const without = resolve({ entities: [order, 'Country'], scope: { by: 'column', shared: 'exclude' } })
    expect(without.plan.entities.map(({ entity }) => entity)).toEqual(['Order'])
    expect(without.omissions).toEqual([{ store: 'main', entity: 'Country', reason: expect.stringContaining('of all tenants') }])
  })

  it.each<[Partial<PlanDeclaration>, string]>([
    [{ scope: { by: 'row' } as never }, 'scope = "an object": not a scope'],
    [{ scope: { by: 'column', shared: 'maybe' } as never }, 'scope.shared = "maybe": not a rule'],
    [{ scope: { by: 'column', share: 'include' } as never }, 'scope.share = "include": no such member'],
    [{ scope: { by: 'store' } as never }, 'scope.stores: not a function'],
    [{ entities: ['Country'], scope: { by: 'column', shared: 'include' } }, 'no entity of the plan has a tenant property'],
    [{ entities: [order, BackupEntity.for('Note', { tenantThrough: 'tag' })] }, 'no foreign key of that property leads from Note'],
    [{ entities: [BackupEntity.for('Order', { tenant: 'tenantId', tenantThrough: 'tag' })] }, 'Order has the tenant property "tenantId"'],
    [{ scope: { by: 'store', stores: () => [] }, entities: [order, BackupEntity.for('Note', { tenantThrough: 'order' })] }, 'the plan has no scope by column'],
  ])('refuses %j', (declaration, problem) => {
    expect(problemsOf(declaration)).toEqual(expect.arrayContaining([expect.stringContaining(problem)]))
  })

  it('is another plan than one without', () => {
    const digests = [
      resolve({}),
      resolve({ scope: { by: 'store', stores: () => [] } }),
      resolvePlan(definePlan({ id: 'shop', description: 'Orders', entities: [order] }), [main], ['default']),
    ]
    expect(new Set(digests.map(({ plan }) => plan.digest)).size).toBe(3)
  })
})

describe('the value of a scope', () => {
  it.each([undefined, null, 7, '', 'a\0b', 'a\nb', '\ud800', 'x'.repeat(513), 'é'.repeat(257)])('is not %j', (value) => {
    expect(() => assertScopeValue(value)).toThrow(expect.toSatisfy((error) => isHoldfastError(error, 'E_SCOPE')) as Error)
  })
  it.each(['acme', '../x', '%2e%2e', "o'hara; DROP TABLE x", 'аcme', 'x'.repeat(512), '-', '.', 'CON'])('may be %j', (value) => {
    expect(() => assertScopeValue(value)).not.toThrow()
  })
})
