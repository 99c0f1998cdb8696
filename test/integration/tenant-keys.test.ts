import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { keyFile, generateKeyFile } from '../../src/crypto/encryption.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { createHoldfast, type Holdfast } from '../../src/holdfast.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { TENANTS, tenantPlan, tenantShop } from '../fixtures/tenants/tenant-shop.ts'
import { openTypeormTenants } from '../fixtures/tenants/typeorm-tenants.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import type { OpenedStore } from '../support/end-to-end/orm-under-test.ts'
import { failure } from '../support/failure.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const [ACME, LOUD] = TENANTS

describe('the keys of tenants', () => {
  const folder = temporaryFolder()
  let database: LiveDatabase
  let opened: OpenedStore
  let storage: StorageAdapter
  let holdfast: Holdfast
  let emptied: unknown
  let moved: string
  let planned: string
  const key = (name: string) => keyFile(`${folder.path}/${name}`)
  const openWith = async (...names: string[]) =>
    createHoldfast({
      stores: [opened.store],
      storage,
      encryption: { providers: await Promise.all(names.map(key)) },
      plans: [tenantPlan(opened.store)],
    })

  beforeAll(async () => {
    database = await createLiveDatabase('sqlite')
    await database.carelessly(...tenantShop('sqlite'))
    opened = await openTypeormTenants('sqlite', database.location)
    storage = memoryStorage()
    for (const name of ['old', 'new']) await generateKeyFile(`${folder.path}/${name}`)
    holdfast = await openWith('old')
  })
  afterAll(async () => {
    await holdfast.close()
    await opened.close()
    await database.drop()
    folder.remove()
  })

  it('are their own, and all of them are wrapped anew', async () => {
    const snapshots = await Promise.all(TENANTS.map((scope) => holdfast.backups.run('shop', { scope })))
    const keys = await holdfast.keys.list()
    expect(keys.filter(({ purpose }) => purpose === 'data').map(({ scope }) => scope)).toEqual(TENANTS.map(() => expect.stringMatching(/^[0-9a-f]{32}$/)))
    expect(keys.flatMap(({ tenant }) => tenant ?? []).toSorted()).toEqual([...TENANTS].toSorted())
    await (await openWith('old', 'new')).keys.rewrap()
    const alone = await openWith('new')
    expect(await alone.keys.rewrap()).toHaveLength(TENANTS.length + 1)
    holdfast = alone
    for (const [at, scope] of TENANTS.entries()) expect((await holdfast.discovery.verify(snapshots[at]!.snapshotId, { scope })).damages).toEqual([])
  })

  it('open nothing of another tenant, even where it was copied to', async () => {
    const [mine, theirs] = [(await holdfast.discovery.snapshots({ scope: ACME }))[0]!, (await holdfast.discovery.snapshots({ scope: LOUD }))[0]!]
    const scopeOf = async (id: string, scope: string) => (await holdfast.discovery.snapshot(id, { scope })).scope!
    const [own, other] = [await scopeOf(mine.id, ACME), await scopeOf(theirs.id, LOUD)]
    const from = `s/${other}/snapshots/${theirs.id}/manifest`
    const to = from.replace(other, own)
    await storage.put(to, [await storage.get(from)], { ifAbsent: true })
    await failure(holdfast.discovery.snapshot(theirs.id, { scope: ACME }), 'E_ARCHIVE_CORRUPT')
    await storage.delete([to])
  })

  it('seal what is kept of a restore with the key of the tenant whose rows it touches', async () => {
    const { restores, discovery } = holdfast
    const [snapshot] = await discovery.snapshots({ scope: ACME })
    const request = { snapshot: snapshot!.id, scope: ACME, policy: 'overwrite' as const }
    await database.carelessly(`UPDATE customer SET name = 'a secret of acme' WHERE id = 1`)
    const live = await database.image()
    const plan = await restores.plan(request)
    const applied = await restores.apply(plan, { scope: ACME })
    await restores.undo(applied.restoreId, {}, { scope: ACME })
    expect(await database.image()).toEqual(live)
    const scopeOf = async (tenant: string) => (await discovery.snapshot((await discovery.snapshots({ scope: tenant }))[0]!.id, { scope: tenant })).scope!
    const [own, other] = [await scopeOf(ACME), await scopeOf(LOUD)]
    const objects: string[] = []
    for await (const { key: name } of storage.list(`s/${own}/restores/`)) {
      objects.push(name)
      const bytes = Buffer.from(await storage.get(name))
      for (const word of ['a secret', 'Customer', 'customer', ACME]) expect(bytes.includes(word), name).toBe(false)
      await storage.put(name.replace(own, other), [bytes], { ifAbsent: true })
    }
    expect(objects.length).toBeGreaterThan(4)
    await failure(restores.apply(plan.planId, { scope: LOUD }), 'E_ARCHIVE_CORRUPT')
    await failure(restores.undo(applied.restoreId, {}, { scope: LOUD }), 'E_ARCHIVE_CORRUPT')
    await storage.delete(objects.map((name) => name.replace(own, other)))
    expect(await database.image()).toEqual(live)

    // The rows go to a tenant that had nothing so far, and can be taken back from it when the first is forgotten.
    for (const table of ['order_tag', 'order_line']) await database.carelessly(`DELETE FROM ${table} WHERE order_id % 4 = 1`)
    for (const table of ['orders', 'tag', 'customer']) await database.carelessly(`DELETE FROM ${table} WHERE id % 4 = 1`)
    emptied = await database.image()
    moved = (await restores.restore({ ...request, targetScope: 'a new one', undo: true })).restoreId
    planned = plan.planId
    const keys = await holdfast.keys.list()
    expect(keys.filter(({ purpose }) => purpose === 'data')).toHaveLength(TENANTS.length + 1)
  })

  it('are destroyed for one tenant, for ever, and for no other', async () => {
    const { id } = (await holdfast.discovery.snapshots({ scope: ACME }))[0]!
    const session = await holdfast.backups.start('shop', { scope: LOUD })
    await failure(holdfast.keys.shred({ scope: 'nobody' }), 'E_SCOPE')
    const { holdId } = await holdfast.discovery.hold(id, { scope: ACME, reason: 'a case' })
    expect(await holdfast.discovery.holds()).toEqual([])
    await failure(holdfast.discovery.release(holdId), 'E_HOLD_UNKNOWN')
    await failure(holdfast.keys.shred({ scope: ACME }), 'E_SNAPSHOT_HELD')
    expect(await holdfast.discovery.holds({ scope: ACME })).toMatchObject([{ snapshotId: id, reason: 'a case' }])
    await holdfast.discovery.release(holdId, { scope: ACME })
    expect(await holdfast.keys.shred({ scope: ACME })).toBeGreaterThan(0)
    expect(await holdfast.keys.shred({ scope: ACME })).toBe(0)
    await failure(holdfast.discovery.snapshot(id, { scope: ACME }), 'E_KEY_SHREDDED')
    await failure(holdfast.discovery.verify(id, { scope: ACME }), 'E_KEY_SHREDDED')
    await failure(holdfast.backups.run('shop', { scope: ACME }), 'E_KEY_SHREDDED')
    await failure(holdfast.restores.apply(planned, { scope: ACME }), 'E_KEY_SHREDDED')
    await holdfast.restores.undo(moved, {}, { scope: 'a new one' })
    expect(await database.image()).toEqual(emptied)
    await session.result()
    for (const scope of TENANTS.slice(1)) {
      const [newest] = await holdfast.discovery.snapshots({ scope })
      expect((await holdfast.discovery.verify(newest!.id, { scope })).damages).toEqual([])
    }
    expect(await holdfast.keys.rewrap()).toHaveLength(TENANTS.length + 1)
    expect((await holdfast.discovery.prune({ dryRun: true })).refused).toBeNull()
  })

  it('once destroyed, leave what prune removes as a whole when the grace period is over, and nothing of another tenant', async () => {
    const namesOf = async (prefix: string) => {
      const names: string[] = []
      for await (const { key: name } of storage.list(prefix)) names.push(name)
      return names
    }
    // A first prune makes a key of its own, to write down that it was there.
    await holdfast.discovery.prune()
    const shredded = (await namesOf('s/')).find((name) => name.endsWith('/keys/destroyed'))!.split('/')[1]!
    const before = await namesOf('s/')
    const mine = before.filter((name) => name.startsWith(`s/${shredded}/`))
    const reported = async (options: object) => (await holdfast.discovery.prune(options)).buckets.find(({ scope }) => scope === shredded)!
    expect(mine.length).toBeGreaterThan(5)

    expect((await reported({})).kept).toEqual({ grace: expect.any(Number) })
    const dry = await reported({ dryRun: true, graceMs: 0 })
    expect(dry.items.map(({ action, reason }) => `${action} ${reason}`)).toEqual(dry.items.map(() => 'delete shredded'))
    expect(dry.deleted).toMatchObject({ snapshots: dry.before.snapshots, chunks: dry.before.chunks })
    expect(await namesOf('s/')).toEqual(before)

    // What is locked stays, and is told of. The rest goes.
    const locked = mine.find((name) => name.endsWith('/manifest'))!
    const really = storage.delete.bind(storage)
    storage.delete = async (names, options) => {
      if (names.includes(locked)) throw new HoldfastError('E_PERMISSION', `${locked} is locked`)
      await really(names, options)
    }
    expect((await reported({ graceMs: 0 })).items.filter(({ action }) => action === 'keep')).toEqual([
      expect.objectContaining({ kind: 'snapshot', reason: 'denied', name: locked.split('/')[3] }),
    ])
    expect(await namesOf(`s/${shredded}/`)).toEqual([`s/${shredded}/keys/destroyed`, locked])
    storage.delete = really

    expect((await reported({ graceMs: 0 })).deleted.snapshots).toBe(1)
    expect(await namesOf(`s/${shredded}/`)).toEqual([`s/${shredded}/keys/destroyed`])
    expect((await reported({ graceMs: 0 })).items).toEqual([])
    // Nobody makes new keys of it, and the others have all they had.
    await failure(holdfast.backups.run('shop', { scope: ACME }), 'E_KEY_SHREDDED')
    const others = (names: readonly string[]) => names.filter((name) => /\/(chunks|snapshots|keys)\//.test(name) && !name.startsWith(`s/${shredded}/`))
    expect(others(await namesOf('s/'))).toEqual(others(before))
    for (const scope of TENANTS.slice(1)) {
      const [newest] = await holdfast.discovery.snapshots({ scope })
      expect((await holdfast.discovery.verify(newest!.id, { scope })).damages).toEqual([])
    }
    await failure(holdfast.discovery.prune({ graceMs: -1 }), 'E_CONFIG')
  })
})
