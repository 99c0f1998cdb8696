import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRepository } from '../../src/archive/index.ts'
import type { RestoreRequest } from '../../src/index.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { TENANTS } from '../fixtures/tenants/tenant-shop.ts'
import { collect } from '../support/collect.ts'
import { failure } from '../support/failure.ts'
import { openTenantRig, TENANT_PLACES, type TenantRig } from '../support/tenant-rig.ts'

const [ACME, LOUD] = TENANTS

describe.each(TENANT_PLACES)('what is kept of the restores of one tenant, $dialect under $orm', { timeout: 180_000 }, (place) => {
  let rig: TenantRig
  let snapshot: string
  const request = (more: Partial<RestoreRequest> = {}): RestoreRequest => ({ snapshot, scope: ACME, policy: 'overwrite', deleteExtra: true, ...more })
  const folderOf = async (scope: string) => (await openRepository({ storage: rig.storage })).scopeOf(scope).id!
  /** Objects below a folder of one tenant, put where they would be another's. */
  const copy = async (from: string, to: string, below: string) => {
    for await (const { key } of rig.storage.list(`s/${await folderOf(from)}/${below}`))
      await rig.storage.put(key.replace(await folderOf(from), await folderOf(to)), [await rig.storage.get(key)], { ifAbsent: true })
  }

  beforeEach(async () => {
    rig = await openTenantRig(place)
    await rig.backUp(LOUD)
    snapshot = await rig.backUp(ACME)
    await rig.database.carelessly(`UPDATE customer SET name = 'bad' WHERE id IN (1, 2)`, `INSERT INTO orders VALUES (1001, 1, 'new')`)
  })
  afterEach(() => rig?.close())

  it('is found by that tenant alone', async () => {
    const { restores } = rig.holdfast
    const plan = await restores.plan(request())
    const bad = await rig.database.image()
    for (const scope of [LOUD, `../${ACME}`, undefined]) {
      expect(await restores.findPlan(plan.planId, { scope })).toBeNull()
      await failure(collect(restores.planRows(plan.planId, { scope })), 'E_RESTORE_UNKNOWN')
      await failure(restores.apply(plan, { scope }), 'E_RESTORE_UNKNOWN')
    }
    expect(await restores.findPlan(plan.planId, { scope: ACME })).toEqual(plan)
    const done = await restores.apply(plan, { scope: ACME })
    const restored = await rig.database.image()
    for (const scope of [LOUD, undefined]) {
      expect(await restores.result(done.restoreId, { scope })).toBeNull()
      await failure(restores.undo(done.restoreId, {}, { scope }), 'E_RESTORE_UNKNOWN')
    }
    expect(await rig.database.image()).toEqual(restored)
    expect(await restores.result(done.restoreId, { scope: ACME })).toEqual(done)
    await restores.undo(done.restoreId, {}, { scope: ACME })
    expect(await rig.database.image()).toEqual(bad)

    // A clash: what the diagnostics of a refused restore tell of is that tenant's, too.
    const error = await failure(restores.restore(request({ policy: 'fail' })), 'E_RESTORE_CONFLICT')
    const id = String(error.details.restoreId)
    expect(await restores.diagnostics(id, { scope: ACME })).toMatchObject({ total: 1 })
    for (const scope of [LOUD, undefined]) expect(await restores.diagnostics(id, { scope })).toBeNull()
  })

  it('is refused where it was copied to', async () => {
    const { restores } = rig.holdfast
    const plan = await restores.plan(request())
    const done = await restores.restore(request({ undo: true }))
    await copy(ACME, LOUD, 'restores/')
    const live = await rig.database.image()
    await failure(restores.findPlan(plan.planId, { scope: LOUD }), 'E_ARCHIVE_CORRUPT')
    await failure(restores.apply(plan.planId, { scope: LOUD }), 'E_ARCHIVE_CORRUPT')
    await failure(restores.undo(done.restoreId, {}, { scope: LOUD }), 'E_ARCHIVE_CORRUPT')
    expect(await rig.database.image()).toEqual(live)
  })

  it("touches no row that is another tenant's by now", async () => {
    const { restores } = rig.holdfast
    const plan = await restores.plan(request())
    await rig.database.carelessly(`UPDATE customer SET tenant = 'ACME' WHERE id = 1`)
    const moved = await rig.database.image()
    // The order leads to its tenant by the customer: it went along, unwritten.
    const applying = await failure(restores.apply(plan, { scope: ACME }), 'E_SCOPE_ROWS')
    expect(JSON.stringify(applying.details.rows)).toContain('[1]')
    await failure(restores.plan(request()), 'E_SCOPE_ROWS')
    expect(await rig.database.image()).toEqual(moved)
    await rig.database.carelessly(`UPDATE customer SET tenant = 'acme' WHERE id = 1`)
    const done = await restores.apply(plan, { scope: ACME })
    await rig.database.carelessly(`UPDATE customer SET tenant = 'ACME' WHERE id = 1`)
    const restored = await rig.database.image()
    for (const onConflict of ['fail', 'keep'] as const) await failure(restores.undo(done.restoreId, { onConflict }, { scope: ACME }), 'E_SCOPE_ROWS')
    expect(await rig.database.image()).toEqual(restored)
  })

  it('creates what is missing among the rows of all tenants, changes none of them, and lets them stay when it is undone', async () => {
    const { restores } = rig.holdfast
    await rig.database.carelessly(`DELETE FROM country WHERE code = 'at'`, `UPDATE country SET name = 'Deutschland' WHERE code = 'de'`)
    const done = await restores.restore(request({ undo: true }))
    expect(done.entities.find(({ entity }) => entity === 'Country')).toMatchObject({ create: 1, update: 0, keep: 1, delete: 0 })
    const undone = await restores.undo(done.restoreId, {}, { scope: ACME })
    expect(undone.entities.find(({ entity }) => entity === 'Country')).toMatchObject({ records: 1, keep: 1, delete: 0 })
    expect(await rig.database.count({ table: 'country' })).toBe(2)
    expect(await rig.database.count({ table: 'country' }, `name = 'Deutschland'`)).toBe(1)
  })

  it("selects rows and what belongs to them within the tenant, and of all tenants' rows only what is missing", async () => {
    const { restores } = rig.holdfast
    await rig.database.carelessly(
      ...[5, 6].flatMap((id) => [
        `DELETE FROM order_tag WHERE order_id = ${id}`,
        `DELETE FROM order_line WHERE order_id = ${id}`,
        `DELETE FROM orders WHERE id = ${id}`,
      ]),
      `DELETE FROM customer WHERE id IN (5, 6)`,
      `DELETE FROM country WHERE code = 'at'`,
      `UPDATE country SET name = 'Deutschland' WHERE code = 'de'`,
      `UPDATE orders SET note = 'theirs' WHERE id = 2`,
    )
    const select = (keys: number[]): Partial<RestoreRequest> => ({ select: [{ entity: 'Order', keys }], related: { children: true }, deleteExtra: false })
    // Rows of another tenant are in no snapshot of this one.
    await failure(restores.plan(request(select([6]))), 'E_SELECTION')
    await failure(restores.plan(request({ select: [{ entity: 'Order', where: { note: 'order 6' } }], deleteExtra: false })), 'E_SELECTION')
    const plan = await restores.plan(request(select([5])))
    const rows = await collect(restores.planRows(plan.planId, { scope: ACME }))
    const told = rows.map(
      ({ entity, action, why }) => `${['Order', 'OrderLine', 'Customer', 'Country'].includes(entity) ? entity : 'link'} ${action} ${why?.because}`,
    )
    expect(told.sort()).toEqual(
      ['Country create parent', 'Customer create parent', 'Order create asked', ...[1, 2, 3].map(() => 'OrderLine create child'), 'link create link'].sort(),
    )
    await restores.apply(plan, { scope: ACME })
    expect(await rig.database.count({ table: 'orders' }, 'id IN (5, 6)')).toBe(1)
    expect(await rig.database.count({ table: 'country' })).toBe(2)
    expect(await rig.database.count({ table: 'country' }, `name = 'Deutschland'`)).toBe(1)
    // Asked for by name, they still are nobody's to change.
    const done = await restores.restore(request({ select: [{ entity: 'Country' }], deleteExtra: false }))
    expect(done.totals).toMatchObject({ create: 0, update: 0, keep: 1 })
  })

  it("goes on without what fails and tries it again, and never with what is another tenant's", async () => {
    const { restores } = rig.holdfast
    await rig.database.carelessly(
      ...[5, 9].flatMap((id) => [
        `DELETE FROM order_tag WHERE order_id = ${id}`,
        `DELETE FROM order_line WHERE order_id = ${id}`,
        `DELETE FROM orders WHERE id = ${id}`,
      ]),
      `DELETE FROM customer WHERE id = 5`,
    )
    // The customer of one of them is gone.
    const partly = await restores.restore(request({ entities: ['Order'], deleteExtra: false, continueOnError: 3, undo: true }))
    expect(partly).toMatchObject({ status: 'PartiallyRestored', scope: ACME, totals: { create: 1 } })
    for (const scope of [LOUD, undefined]) await failure(restores.replay(partly.restoreId, {}, { scope }), 'E_RESTORE_UNKNOWN')
    await restores.restore(request({ entities: ['Customer'], deleteExtra: false }))
    expect(await restores.replay(partly.restoreId, {}, { scope: ACME })).toMatchObject({ status: 'completed', scope: ACME, totals: { create: 1 } })
    expect(await rig.database.count({ table: 'orders' }, 'id IN (5, 9)')).toBe(2)
    await rig.database.carelessly(`UPDATE customer SET tenant = 'ACME' WHERE id = 9`)
    const moved = await rig.database.image()
    await failure(restores.restore(request({ deleteExtra: false, continueOnError: 1000 })), 'E_SCOPE_ROWS')
    expect(await rig.database.image()).toEqual(moved)
  })

  it('knows whose rows are whose although the snapshot does not say so', async () => {
    const { restores, discovery, comparisons } = rig.holdfast
    const manifest = await discovery.snapshot(snapshot, { scope: ACME })
    const repository = (await openRepository({ storage: rig.storage })).scopeOf(ACME)
    const live = await rig.database.image()
    const forge = async (strip: (name: string) => boolean) => {
      const entities = manifest.entities.map(({ owner, shared, ...entity }) =>
        strip(entity.descriptor.name) ? entity : { ...entity, ...(owner ? { owner } : {}), ...(shared ? { shared } : {}) },
      )
      const forged = { ...manifest, snapshotId: uuidv7(), entities }
      await repository.writeManifest(forged)
      return forged.snapshotId
    }
    for (const id of [await forge(() => true), await forge((name) => name === 'Order')]) {
      const looked = await restores.restore(request({ snapshot: id, dryRun: true }))
      expect(looked.totals).toMatchObject({ create: 0, update: 1, delete: 1 })
      const summary = await collect(await comparisons.compare({ before: id, scope: ACME }))
      expect(summary.map(({ entity, key, change }) => `${entity} ${key} ${change}`).sort()).toEqual(['Customer [1] changed', 'Order [1001] added'])
    }
    // Without the plan nobody says it.
    const other = await rig.again({ plans: [] })
    for (const id of [await forge(() => true), await forge((name) => name === 'Order')]) {
      const outcome = await other.restores.restore(request({ snapshot: id })).catch((error: { code: string }) => error.code)
      expect(['E_PLAN_UNKNOWN', 'E_SCOPE']).toContain(outcome)
      const [report] = await collect(other.restores.checkRestorable({ snapshot: id, scope: ACME }))
      expect(report).toMatchObject({ restorable: false, problems: [{ code: outcome }] })
    }
    const undoable = await other.restores.restore(request({ undo: true }))
    await other.restores.undo(undoable.restoreId, {}, { scope: ACME })
    await other.close()
    expect(await rig.database.image()).toEqual(live)
  })

  it('checks the snapshots of the tenant that is named', async () => {
    const { restores } = rig.holdfast
    const reports = async (scope?: string) => (await collect(restores.checkRestorable({ scope }))).map(({ snapshotId, restorable }) => [snapshotId, restorable])
    expect(await reports(ACME)).toEqual([[snapshot, true]])
    expect(await reports()).toEqual([])
    expect(await reports(LOUD)).toHaveLength(1)
    await failure(collect(restores.checkRestorable({ snapshot, scope: LOUD })), 'E_SNAPSHOT_UNKNOWN')
  })

  it('keeps a ledger of what was erased for each tenant', async () => {
    const { restores, erasures, discovery } = rig.holdfast
    const done = await restores.restore(request({ undo: true, deleteExtra: false }))
    const report = await erasures.erase('Customer', 1, { scope: ACME, reason: 'GDPR-1' })
    expect(report.hidden).toMatch(/from every snapshot of this tenant\.$/)
    expect(report.remains[0]).toContain('other tenants, and of plans without tenants')
    await failure(erasures.erase('Customer', 1, { scope: 'nobody' }), 'E_SCOPE')
    expect(await erasures.list({ scope: ACME })).toHaveLength(1)
    for (const scope of [LOUD, undefined]) expect(await erasures.list({ scope })).toEqual([])
    await rig.database.carelessly(`UPDATE customer SET name = 'x' WHERE id = 5`)
    const { erased } = await restores.restore(request({ dryRun: true, deleteExtra: false }))
    expect(erased.find(({ entity }) => entity === 'Customer')).toMatchObject({ records: 1 })
    expect(await (await discovery.open(snapshot, { scope: ACME })).findOne('Customer', 1)).toBeNull()
    // The customer of the other tenant is in another ledger.
    const [theirs] = await discovery.snapshots({ scope: LOUD })
    expect(await (await discovery.open(theirs!.id, { scope: LOUD })).findOne('Customer', 2)).not.toBeNull()
    const undone = await restores.undo(done.restoreId, {}, { scope: ACME })
    expect(undone.erased).toEqual([{ store: 'main', entity: 'Customer', records: 1 }])
    expect(await rig.database.count({ table: 'customer' }, `id = 1 AND name = 'bad'`)).toBe(0)
  })
})
