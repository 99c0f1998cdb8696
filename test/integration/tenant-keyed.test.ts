import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, type Holdfast, type RestoreRequest } from '../../src/index.ts'
import { KEYED_TABLES, keyedPlan, openKeyed } from '../fixtures/tenants/keyed-tenants.ts'
import { collect } from '../support/collect.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import type { OpenedStore } from '../support/end-to-end/orm-under-test.ts'
import { failure } from '../support/failure.ts'
import { TENANT_PLACES } from '../support/tenant-rig.ts'

describe.each(TENANT_PLACES)('tenants whose keys begin with them, $dialect under $orm', ({ dialect, orm }) => {
  let database: LiveDatabase
  let opened: OpenedStore
  let holdfast: Holdfast
  let snapshot: string
  const request = (more: Partial<RestoreRequest> = {}): RestoreRequest => ({ snapshot, scope: '7', targetScope: '9', ...more })

  beforeEach(async () => {
    database = await createLiveDatabase(dialect)
    await database.carelessly(...KEYED_TABLES)
    opened = await openKeyed(dialect, database.location, orm)
    holdfast = await createHoldfast({ stores: [opened.store], storage: memoryStorage(), plans: [keyedPlan(orm === 'TypeORM' ? 'docId' : 'doc')] })
    snapshot = (await holdfast.backups.run('docs', { scope: '7' })).snapshotId
  })
  afterEach(async () => {
    await holdfast?.close()
    await opened?.close()
    await database?.drop()
  })

  it('stand beside each other, with all references among them, and those to others as they were', async () => {
    const before = await database.image()
    const done = await holdfast.restores.restore(request({ undo: true }))
    expect(done.totals).toMatchObject({ create: 5, update: 0, keep: 0 })
    expect(await database.count({ table: 'page' }, 'tenant_id = 9 AND no = 1 AND doc_id = 1 AND see_tenant = 9 AND see_doc = 2')).toBe(1)
    expect(await database.count({ table: 'page' }, 'tenant_id = 9 AND no = 2 AND see_tenant = 8 AND see_doc = 1')).toBe(1)
    expect(await database.count({ table: 'page' }, 'tenant_id = 9 AND doc_id = 2 AND see_tenant IS NULL')).toBe(1)
    const { totals } = await holdfast.backups.run('docs', { scope: '9' })
    expect(totals.rows).toBe(5)
    await holdfast.restores.undo(done.restoreId, {}, { scope: '9' })
    expect(await database.image()).toEqual(before)
  })

  it('replace one another row by row', async () => {
    await failure(holdfast.restores.restore(request({ targetScope: '8' })), 'E_RESTORE_CONFLICT')
    const before = await database.image()
    // A page of the other tenant refers to a document of this one: it is checked like every row of its own tenant.
    const plan = await holdfast.restores.plan(request({ targetScope: '8', policy: 'overwrite', deleteExtra: true }))
    expect(plan.totals).toMatchObject({ create: 3, update: 2, delete: 1 })
    const applied = await holdfast.restores.apply(plan, { scope: '8' })
    expect(await database.count({ table: 'doc' }, `tenant_id = 8 AND title LIKE 'seven%'`)).toBe(2)
    expect(await database.count({ table: 'doc' }, `tenant_id = 8`)).toBe(2)
    expect(await database.count({ table: 'page' }, 'tenant_id = 8')).toBe(3)
    await holdfast.restores.undo(applied.restoreId, {}, { scope: '8' })
    expect(await database.image()).toEqual(before)
  })

  it('tell why each row is there, under the key that it has now', async () => {
    const select = [{ entity: 'Page', keys: [[7, 2, 1]] }] as unknown as NonNullable<RestoreRequest['select']>
    const plan = await holdfast.restores.plan(request({ select, related: {} }))
    const rows = await collect(holdfast.restores.planRows(plan.planId, { scope: '9' }))
    expect(rows.map(({ entity, key, action, why }) => `${entity} ${key} ${action} ${why?.because}`).sort()).toEqual([
      'Doc [9,2] create parent',
      'Page [9,2,1] create asked',
    ])
  })

  it('take no name that the column cannot hold', async () => {
    const before = await database.image()
    // SQLite's columns hold any text; but what it makes a number of is not what was named.
    for (const targetScope of ['09', '9 ', '9.0', '99999999999999999999', ...(dialect === 'sqlite' ? [] : ['globex'])])
      expect(await holdfast.restores.restore(request({ targetScope })).catch((error: { code: string }) => error.code)).toMatch(
        dialect === 'sqlite' ? /^E_(SCOPE_ROWS|RESTORE_REJECTED)$/ : /^E_SCOPE$/,
      )
    expect(await database.image()).toEqual(before)
  })
})
