import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { collect } from '../support/collect.ts'
import { failure } from '../support/failure.ts'
import { TENANT_PLACES } from '../support/tenant-rig.ts'
import { openTenantStores, type TenantStores } from '../support/tenant-stores.ts'

const LAYOUTS = [
  ...TENANT_PLACES.map((place) => ({ ...place, each: 'database' as const })),
  // MikroORM's schemas stand in a test of their own: `any-schema-mikro-orm`.
  { dialect: 'postgres' as const, orm: 'TypeORM' as const, each: 'schema' as const },
]

const BAD = [`UPDATE customer SET name = 'bad' WHERE id = 1`, `DELETE FROM order_tag WHERE order_id = 2`, `INSERT INTO orders VALUES (1001, 1, 'new')`]

describe.each(LAYOUTS)('tenants with a $each each, $dialect under $orm', { timeout: 180_000 }, (place) => {
  let shop: TenantStores
  let snapshot: string
  const images = async () => ({
    app: await shop.databases.app.image(),
    acme: await shop.databases.acme.image(),
    globex: await shop.databases.globex.image(),
  })
  beforeEach(async () => {
    shop = await openTenantStores(place)
    // The same keys stand for other things in each.
    await shop.databases.acme.carelessly(`UPDATE customer SET name = 'acme ' || id`)
    await shop.databases.globex.carelessly(`UPDATE customer SET name = 'globex ' || id`)
    snapshot = await shop.backUp('acme')
  })
  afterEach(() => shop?.close())

  it('are read, compared, planned, restored and undone in their own tables', async () => {
    const { holdfast, databases } = shop
    const whole = await images()
    for (const database of [databases.acme, databases.globex]) await database.carelessly(...BAD)
    const bad = await images()
    const differences = await collect(await holdfast.comparisons.compare({ before: snapshot, scope: 'acme' }))
    expect(differences).toHaveLength(3)
    expect((await collect(holdfast.restores.checkRestorable({ scope: 'acme' }))).map(({ restorable }) => restorable)).toEqual([true])
    const plan = await holdfast.restores.plan({ snapshot, scope: 'acme', policy: 'overwrite', deleteExtra: true })
    expect(plan.totals).toMatchObject({ create: 1, update: 1, delete: 1 })
    expect(await images()).toEqual(bad)
    const applied = await holdfast.restores.apply(plan, { scope: 'acme' })
    expect(await images()).toEqual({ ...bad, acme: whole.acme })
    for (const scope of ['globex', undefined]) await failure(holdfast.restores.undo(applied.restoreId, {}, { scope }), 'E_RESTORE_UNKNOWN')
    await holdfast.restores.undo(applied.restoreId, {}, { scope: 'acme' })
    expect(await images()).toEqual(bad)
    await holdfast.erasures.erase('Customer', 2, { scope: 'acme' })
    const { erased } = await holdfast.restores.restore({ snapshot, scope: 'acme', policy: 'overwrite', dryRun: true })
    expect(erased.find(({ entity }) => entity === 'Customer')).toMatchObject({ records: 1 })
  })

  it('become another by going into its tables, and nothing else changes', async () => {
    const { holdfast } = shop
    const before = await images()
    await failure(holdfast.restores.restore({ snapshot, scope: 'acme', targetScope: 'globex' }), 'E_RESTORE_CONFLICT')
    const plan = await holdfast.restores.plan({ snapshot, scope: 'acme', targetScope: 'globex', policy: 'overwrite' })
    await failure(holdfast.restores.apply(plan, { scope: 'acme' }), 'E_RESTORE_UNKNOWN')
    const applied = await holdfast.restores.apply(plan, { scope: 'globex' })
    expect(applied).toMatchObject({ scope: 'acme', targetScope: 'globex', totals: { create: 0, update: 80 } })
    expect(await images()).toEqual({ ...before, globex: before.acme })
    await failure(holdfast.restores.undo(applied.restoreId, {}, { scope: 'acme' }), 'E_RESTORE_UNKNOWN')
    await holdfast.restores.undo(applied.restoreId, {}, { scope: 'globex' })
    expect(await images()).toEqual(before)
  })

  it('are found by their plan, and by nothing else', async () => {
    const { holdfast } = shop
    const before = await images()
    const { restoreId } = await holdfast.restores.restore({ snapshot, scope: 'acme', undo: true })
    for (const [plans, code] of [
      [[], 'E_PLAN_UNKNOWN'],
      [undefined, 'E_SCOPE'],
    ] as const) {
      // No plan of that id; or one that has given up its tenants.
      const { scope: _, ...bare } = holdfast.plans.get('shop')
      const other = await shop.again({ plans: plans ?? [bare] })
      await failure(other.restores.restore({ snapshot, scope: 'acme' }), code)
      await failure(other.restores.undo(restoreId, {}, { scope: 'acme' }), code)
      await failure(other.comparisons.compare({ before: snapshot, scope: 'acme' }), code)
      expect(await collect(other.restores.checkRestorable({ scope: 'acme' }))).toMatchObject([{ restorable: false, problems: [{ code }] }])
      await other.close()
    }
    // A tenant without tables, and the tables of all.
    await failure(holdfast.restores.restore({ snapshot, scope: 'acme', targetScope: 'nobody' }), 'E_SCOPE')
    await failure(holdfast.restores.restore({ snapshot, scope: 'acme', targetScope: 'app' }), 'E_SCOPE')
    await failure(holdfast.backups.run('shop', { scope: 'app' }), 'E_SCOPE')
    expect(await images()).toEqual(before)
  })
})
