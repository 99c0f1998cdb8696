import { describe, expect, it } from 'vitest'
import { BootReport, BackupEntity, BackupIgnore, definePlan, inventory, resolvePlan } from '../../src/plan/index.ts'
import { mapped, reference, storeOf } from '../support/plan-mapping.ts'

@BackupIgnore({ reason: 'filled again by use' })
class Cache {
  id!: number
}

const links = (name: string, left: string, right: string) =>
  mapped(name, ['l', 'r'], { kind: 'junction', key: ['l', 'r'], references: [reference('l', left), reference('r', right)] })

const main = storeOf(
  'main',
  [
    mapped('Order', ['id'], { schema: 'shop', table: 'orders' }),
    mapped('Tag', ['id']),
    mapped('Cache', ['id'], { target: Cache }),
    mapped('Log', ['id']),
    links('order_tags', 'Order', 'Tag'),
    links('cache_tags', 'Cache', 'Tag'),
    links('log_tags', 'Log', 'Tag'),
  ],
  [{ name: 'OrderSummary', reason: 'a view' }],
)
const other = storeOf('other', [mapped('Order', ['id'])])

const shop = resolvePlan(
  definePlan({ id: 'shop', description: 'd', entities: [BackupEntity.for('Order', { store: 'main' }), 'Tag'] }),
  [main, other],
  ['default'],
)
const tags = resolvePlan(definePlan({ id: 'tags', description: 'd', entities: ['Tag'] }), [main], ['default'])

describe('the inventory', () => {
  it('says of every mapped entity what becomes of it', () => {
    const list = inventory([main, other], [shop, tags])
    expect(
      list.entities.map(({ store, entity, state, plans, reason }) => [
        `${store}.${entity}`,
        state,
        plans.map(({ id, because }) => `${id}:${because}`).join(' '),
        reason,
      ]),
    ).toEqual([
      ['main.Order', 'included', 'shop:named', null],
      ['main.Tag', 'included', 'shop:named tags:named', null],
      ['main.Cache', 'excluded', '', 'filled again by use'],
      ['main.Log', 'uncovered', '', null],
      ['main.order_tags', 'included', 'shop:junction', null],
      ['main.cache_tags', 'excluded', '', 'junction table of Cache, which is excluded: filled again by use'],
      ['main.log_tags', 'uncovered', '', null],
      ['main.OrderSummary', 'excluded', '', 'a view'],
      ['other.Order', 'uncovered', '', null],
    ])
    expect(list.entities.map(({ kind, table }) => [kind, table])).toContainEqual(['entity', 'shop.orders'])
    expect(list.entities.at(7)).toMatchObject({ kind: 'view', table: null })
    // And for people, who read the report.
    expect(String(new BootReport({ modules: [], plans: [], inventory: list, warnings: [], problems: [] }))).toContain(
      'Excluded\n  main.Cache         filled again by use\n  main.cache_tags    junction table of Cache, which is excluded: filled again by use\n  main.OrderSummary  a view',
    )
  })

  it('is unhealthy and warns once for each uncovered entity', () => {
    const list = inventory([main, other], [shop])
    expect(list.healthy).toBe(false)
    expect(list.warnings.map(String)).toEqual([
      'main.Log: it is in no plan, and nobody said why. Include it in a plan, or exclude it with a reason.',
      'main.log_tags: it is in no plan, and nobody said why. Include all the entities that it links in one plan, or exclude it with a reason.',
      'other.Order: it is in no plan, and nobody said why. Include it in a plan, or exclude it with a reason.',
    ])
  })

  it('is healthy when everything is included or excluded with a reason', () => {
    const all = resolvePlan(
      definePlan({
        id: 'all',
        description: 'd',
        entities: [BackupEntity.for('Order', { store: 'main' }), 'Tag'],
        exclude: [BackupIgnore.for('Log', { reason: 'kept by the log server' }), BackupIgnore.for('Order', { store: 'other', reason: 'a copy' })],
      }),
      [main, other],
      ['default'],
    )
    const list = inventory([main, other], [all])
    expect(list.warnings).toEqual([])
    expect(list.healthy).toBe(true)
    expect(list.entities.find(({ entity }) => entity === 'log_tags')?.reason).toBe('junction table of Log, which is excluded: kept by the log server')
    expect(list.entities.find(({ store }) => store === 'other')?.reason).toBe('a copy')
  })

  it('does not call a junction excluded whose owner one plan excludes and another includes', () => {
    const without = resolvePlan(
      definePlan({ id: 'w', description: 'd', entities: ['Tag'], exclude: [BackupIgnore.for('Order', { store: 'main', reason: 'elsewhere' })] }),
      [main, other],
      ['default'],
    )
    const orders = resolvePlan(definePlan({ id: 'o', description: 'd', entities: [BackupEntity.for('Order', { store: 'main' })] }), [main, other], ['default'])
    const junction = inventory([main], [without, orders]).entities.find(({ entity }) => entity === 'order_tags')
    expect(junction?.state).toBe('uncovered')
  })
})
