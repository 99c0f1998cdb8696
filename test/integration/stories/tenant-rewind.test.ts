import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect } from '../../support/collect.ts'
import { failure } from '../../support/failure.ts'
import { openTenantRig, TENANT_PLACES, type TenantRig } from '../../support/tenant-rig.ts'
import { TENANTS } from '../../fixtures/tenants/tenant-shop.ts'

const [ACME, LOUD, CYRILLIC] = TENANTS

/** What the bad hour did to everybody. */
const BAD_HOUR = [
  `UPDATE customer SET name = 'bad' WHERE id IN (1, 2, 3)`,
  `DELETE FROM order_tag WHERE order_id IN (5, 6)`,
  `DELETE FROM order_line WHERE order_id IN (5, 6)`,
  `DELETE FROM orders WHERE id IN (5, 6)`,
  `INSERT INTO orders VALUES (1001, 1, 'new'), (1002, 2, 'new')`,
  `INSERT INTO order_line VALUES (1001, 1, 'new'), (1002, 1, 'new')`,
  `UPDATE country SET name = 'Oesterreich' WHERE code = 'at'`,
]
/** The same for one tenant, taken back by hand. */
const BY_HAND = [
  `UPDATE customer SET name = 'customer 1' WHERE id = 1`,
  `INSERT INTO orders VALUES (5, 5, 'order 5')`,
  `INSERT INTO order_line VALUES (5, 1, 'line 5.1'), (5, 2, 'line 5.2'), (5, 3, 'line 5.3')`,
  `INSERT INTO order_tag VALUES (5, 5)`,
  `DELETE FROM order_line WHERE order_id = 1001`,
  `DELETE FROM orders WHERE id = 1001`,
]

// An import went wrong for everybody, and one tenant wants the hour back: the others have worked on since.
describe.each(TENANT_PLACES)('one tenant rewound an hour among others, $dialect under $orm', { timeout: 180_000 }, (place) => {
  let rig: TenantRig
  let snapshot: string
  let bad: Awaited<ReturnType<TenantRig['database']['image']>>
  const request = () => ({ snapshot, scope: ACME, policy: 'overwrite' as const, deleteExtra: true })

  beforeAll(async () => {
    rig = await openTenantRig(place)
    await rig.backUp(LOUD)
    snapshot = await rig.backUp(ACME)
    await rig.database.carelessly(...BAD_HOUR)
    bad = await rig.database.image()
  })
  afterAll(() => rig?.close())

  it('is planned, applied, and undone, and every byte of all others stays', async () => {
    const { restores } = rig.holdfast
    const plan = await restores.plan(request())
    expect(plan).toMatchObject({ rows: 8, problems: 0, totals: { create: 5, update: 1, delete: 2, keep: 1 } })
    expect(await rig.database.image()).toEqual(bad)
    const rows = await collect(restores.planRows(plan.planId, { scope: ACME }))
    expect(rows.map(({ entity, key, action }) => `${entity} ${key} ${action}`).filter((row) => !row.startsWith('order'))).toEqual(
      expect.arrayContaining(['Customer [1] update', 'Order [5] create', 'Order [1001] delete', 'OrderLine [5,1] create', 'OrderLine [1001,1] delete']),
    )
    const applied = await restores.apply(plan, { scope: ACME, by: 'ada' })
    expect(applied).toMatchObject({ scope: ACME, targetScope: ACME, applies: plan.planId, undoable: true, totals: { create: 5, update: 1, delete: 2 } })
    const rewound = await rig.database.image()

    // By hand from the bad hour: the tenant alone as it was, and nothing else.
    const undone = await restores.undo(applied.restoreId, { by: 'bob' }, { scope: ACME })
    expect(undone).toMatchObject({ undoes: applied.restoreId, undoable: true, scope: ACME, totals: { create: 2, update: 1, delete: 5 } })
    expect(await rig.database.image()).toEqual(bad)
    await rig.database.carelessly(...BY_HAND)
    expect(await rig.database.image()).toEqual(rewound)

    const [last, first] = await restores.history({ scope: ACME })
    expect([last?.restoreId, last?.by, first?.restoreId, first?.by]).toEqual([undone.restoreId, 'bob', applied.restoreId, 'ada'])
    for (const scope of [LOUD, CYRILLIC, undefined]) expect(await restores.history({ scope })).toEqual([])
    await rig.database.carelessly(...BAD_HOUR.slice(0, 1), `DELETE FROM order_tag WHERE order_id = 5`, `DELETE FROM order_line WHERE order_id = 5`)
    await rig.database.carelessly(
      `DELETE FROM orders WHERE id = 5`,
      `INSERT INTO orders VALUES (1001, 1, 'new')`,
      `INSERT INTO order_line VALUES (1001, 1, 'new')`,
    )
    expect(await rig.database.image()).toEqual(bad)
  })

  it('comes back while the others write, and what they wrote stays', async () => {
    const { restores } = rig.holdfast
    const plan = await restores.plan(request())
    await rig.database.carelessly(`UPDATE customer SET name = 'busy' WHERE id = 2`, `INSERT INTO orders VALUES (2002, 2, 'theirs')`)
    const applied = await restores.apply(plan.planId, { scope: ACME })
    expect(await rig.database.count({ table: 'orders' }, `id = 2002`)).toBe(1)
    await rig.database.carelessly(`UPDATE customer SET name = 'busier' WHERE id = 2`, `UPDATE orders SET note = 'mine' WHERE id = 5`)
    const error = await failure(restores.undo(applied.restoreId, {}, { scope: ACME }), 'E_UNDO_CONFLICT')
    expect(error.details.rows).toEqual([{ store: 'main', entity: 'Order', key: '[5]', what: 'changed' }])
    await rig.database.carelessly(`UPDATE orders SET note = 'order 5' WHERE id = 5`)
    await restores.undo(applied.restoreId, {}, { scope: ACME })
    expect(await rig.database.count({ table: 'customer' }, `name = 'busier'`)).toBe(1)
    await rig.database.carelessly(`UPDATE customer SET name = 'bad' WHERE id = 2`, `DELETE FROM orders WHERE id = 2002`)
    expect(await rig.database.image()).toEqual(bad)
  })
})
