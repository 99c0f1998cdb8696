import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRepository } from '../../src/archive/index.ts'
import type { RestoreRequest } from '../../src/index.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { TENANTS } from '../fixtures/tenants/tenant-shop.ts'
import { failure } from '../support/failure.ts'
import { openTenantRig, TENANT_PLACES, type TenantRig } from '../support/tenant-rig.ts'

const [ACME, LOUD, , ODD] = TENANTS

/** Everything of the first tenant goes away. */
const GONE = [
  `DELETE FROM order_tag WHERE order_id % 4 = 1`,
  `DELETE FROM order_line WHERE order_id % 4 = 1`,
  `DELETE FROM orders WHERE id % 4 = 1`,
  `DELETE FROM tag WHERE id % 4 = 1`,
  `DELETE FROM customer WHERE id % 4 = 1`,
]

describe.each(TENANT_PLACES)('a snapshot of one tenant that goes to another, $dialect under $orm', { timeout: 180_000 }, (place) => {
  let rig: TenantRig
  let snapshot: string
  const request = (more: Partial<RestoreRequest> = {}): RestoreRequest => ({ snapshot, scope: ACME, targetScope: ODD, ...more })

  beforeEach(async () => {
    rig = await openTenantRig(place)
    snapshot = await rig.backUp(ACME)
  })
  afterEach(() => rig?.close())

  it("is that tenant's from then on, is planned and undone, and nobody else sees any of it", async () => {
    const { restores, discovery, backups } = rig.holdfast
    const whole = await rig.database.image()
    await rig.database.carelessly(...GONE)
    const emptied = await rig.database.image()
    const plan = await restores.plan(request())
    expect(plan).toMatchObject({ totals: { create: 140, update: 0, identical: 2 } })
    for (const scope of [ACME, LOUD, undefined]) await failure(restores.apply(plan, { scope }), 'E_RESTORE_UNKNOWN')
    const applied = await restores.apply(plan, { scope: ODD })
    expect(applied).toMatchObject({ scope: ACME, targetScope: ODD, undoable: true })
    // By hand: all as it was at first, but of another tenant.
    const restored = await rig.database.image()
    const { totals } = await backups.run('shop', { scope: ODD })
    expect(totals.rows).toBe(2 * 140 + 2)
    expect((await discovery.snapshots({ scope: ACME })).map(({ id }) => id)).toEqual([snapshot])
    expect((await restores.history({ scope: ODD })).map(({ restoreId }) => restoreId)).toEqual([applied.restoreId])
    for (const scope of [ACME, LOUD, undefined]) {
      expect(await restores.history({ scope })).toEqual([])
      await failure(restores.undo(applied.restoreId, {}, { scope }), 'E_RESTORE_UNKNOWN')
    }
    await restores.undo(applied.restoreId, {}, { scope: ODD })
    expect(await rig.database.image()).toEqual(emptied)
    await restores.restore(request())
    expect(await rig.database.image()).toEqual(restored)
    await rig.database.carelessly(...['customer', 'tag'].map((table) => `UPDATE ${table} SET tenant = 'acme' WHERE id % 4 = 1`))
    expect(await rig.database.image()).toEqual(whole)
  })

  it('is refused while anybody else has its keys, and says what helps', async () => {
    const { restores } = rig.holdfast
    const live = await rig.database.image()
    for (const more of [{}, { dryRun: true }, { policy: 'overwrite' }, { policy: 'skip' }, { deleteExtra: true }] as const) {
      const { details, hint } = await failure(restores.restore(request(more)), 'E_SCOPE_ROWS')
      expect(JSON.stringify(details.rows)).toContain('[1]')
      expect(hint).toContain('into')
    }
    await failure(restores.plan(request()), 'E_SCOPE_ROWS')
    // One key that a third tenant has.
    await rig.database.carelessly(...GONE, `INSERT INTO tag VALUES (1, 'ACME', 'theirs')`)
    await failure(restores.restore(request({ policy: 'overwrite' })), 'E_SCOPE_ROWS')
    expect(await rig.database.count({ table: 'tag' }, `label = 'theirs'`)).toBe(1)
    expect(await rig.database.count({ table: 'customer' }, 'id % 4 = 1')).toBe(0)
    await rig.database.carelessly(`DELETE FROM tag WHERE id = 1`)
    await restores.restore(request())
    await rig.database.carelessly(...['customer', 'tag'].map((table) => `UPDATE ${table} SET tenant = 'acme' WHERE id % 4 = 1`))
    expect(await rig.database.image()).toEqual(live)
  })

  it('replaces what the other tenant has, and nothing beyond', async () => {
    const { restores } = rig.holdfast
    await rig.database.carelessly(...GONE)
    const emptied = await rig.database.image()
    const done = await restores.restore(request({ deleteExtra: true, undo: true }))
    expect(done.totals).toMatchObject({ create: 140, delete: 140 })
    expect(await rig.database.count({ table: 'customer' })).toBe(60)
    expect(await rig.database.count({ table: 'customer' }, 'id % 4 = 0')).toBe(0)
    await restores.undo(done.restoreId, {}, { scope: ODD })
    expect(await rig.database.image()).toEqual(emptied)
  })

  it('brings no record of a third tenant along', async () => {
    const { discovery, restores } = rig.holdfast
    const [own, other] = [await discovery.snapshot(snapshot, { scope: ACME }), await discovery.snapshot(await rig.backUp(LOUD), { scope: LOUD })]
    for await (const { key } of rig.storage.list(`s/${other.scope}/chunks/`)) {
      const to = key.replace(other.scope!, own.scope!)
      if (!(await rig.storage.stat(to))) await rig.storage.put(to, [await rig.storage.get(key)], { ifAbsent: true })
    }
    for (const table of ['order_tag', 'order_line']) await rig.database.carelessly(`DELETE FROM ${table} WHERE order_id % 4 IN (1, 2)`)
    await rig.database.carelessly(`DELETE FROM orders WHERE id % 4 IN (1, 2)`, `DELETE FROM tag WHERE id % 4 IN (1, 2)`)
    const emptied = await rig.database.image()
    for (const chosen of [['Order', 'OrderLine'], ['Tag']]) {
      const entities = other.entities.filter(({ descriptor }) => chosen.includes(descriptor.name))
      const rows = entities.reduce((sum, { rows: each }) => sum + each, 0)
      const forged = { ...own, snapshotId: uuidv7(), entities, totals: { ...own.totals, entities: entities.length, rows } }
      await (await openRepository({ storage: rig.storage })).scopeOf(ACME).writeManifest(forged)
      const { message } = await failure(restores.restore(request({ snapshot: forged.snapshotId, policy: 'overwrite' })), 'E_SCOPE_ROWS')
      expect(message).toContain('records are not of the tenant')
      expect(await rig.database.image()).toEqual(emptied)
    }
  })

  it('goes from a tenant to a tenant that can be one', async () => {
    const { restores } = rig.holdfast
    await failure(restores.restore({ snapshot, targetScope: ODD }), 'E_SCOPE')
    for (const targetScope of ['', 'a\0b', 'x'.repeat(513), 7 as unknown as string]) await failure(restores.restore(request({ targetScope })), 'E_SCOPE')
    await rig.database.carelessly(`UPDATE tag SET label = 'x' WHERE id = 5`)
    // With the tenant itself as target it is an ordinary restore.
    expect((await restores.restore(request({ targetScope: ACME, policy: 'overwrite' }))).totals).toMatchObject({ update: 1 })
    expect(await restores.history({ scope: ACME })).toHaveLength(1)
  })
})
