import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan, type EndedBackup, type EndedRestore, type Holdfast, type HookRun, type Hooks } from '../../src/index.ts'
import { collect } from '../support/collect.ts'
import { type DeclaredEntity, type DeclaredStore, openDeclared, PLACES } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { failure } from '../support/failure.ts'

const SHOP: readonly DeclaredEntity[] = [{ name: 'Order', table: 'orders', properties: { cents: { type: 'integer' } } }]
const ROWS = Array.from({ length: 40 }, (_, n) => `(${n + 1}, ${n})`).join(', ')

describe.each(PLACES)('hooks, %s on %s', (orm, dialect) => {
  let database: LiveDatabase
  let shop: DeclaredStore
  let hooks: { application: Hooks; plan: Hooks }
  let called: string[]
  let storage: ReturnType<typeof memoryStorage>
  const opened: Holdfast[] = []

  beforeAll(async () => {
    database = await createLiveDatabase(dialect)
    await database.carelessly('CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, cents INTEGER NOT NULL)')
    shop = await openDeclared(orm, dialect, database.location, SHOP)
  })
  beforeEach(async () => {
    await database.carelessly('DELETE FROM orders', `INSERT INTO orders (id, cents) VALUES ${ROWS}`)
    called = []
    storage = memoryStorage()
    hooks = { application: noting('application'), plan: noting('plan') }
  })
  afterAll(async () => {
    for (const holdfast of opened) await holdfast.close()
    await shop.close()
    await database.drop()
  })

  function noting(of: string): Hooks {
    const note = (name: string) => (run: HookRun & { readonly status?: string; readonly opened?: boolean }) => {
      called.push([of, name, ...(run.status ? [run.status] : []), ...(run.opened === false ? ['not opened'] : [])].join(' '))
      return `${of} was here`
    }
    return {
      beforeBackup: note('beforeBackup'),
      afterBackup: note('afterBackup'),
      beforeView: note('beforeView'),
      afterView: note('afterView'),
      beforeRestore: note('beforeRestore'),
      afterRestore: note('afterRestore'),
    }
  }
  async function boot(): Promise<Holdfast> {
    const plan = definePlan({ id: 'shop', description: 'All', entities: [...shop.names], hooks: hooks.plan })
    const holdfast = await createHoldfast({ stores: [shop.store], storage, plans: [plan], hooks: hooks.application })
    opened.push(holdfast)
    return holdfast
  }
  const objects = async () => (await collect(storage.list(''))).map(({ key }) => key)

  it('are called in their order around a backup, and stand in the manifest', async () => {
    const holdfast = await boot()
    const result = await holdfast.backups.run('shop')
    const before = ['application beforeBackup', 'plan beforeBackup', 'application beforeView', 'plan beforeView', 'plan afterView', 'application afterView']
    expect(called).toEqual([...before, 'plan afterBackup completed', 'application afterBackup completed'])
    const { hooks: kept } = await holdfast.discovery.snapshot(result.snapshotId)
    expect(kept?.map(({ of, hook }) => `${of} ${hook}`)).toEqual(before)
    expect(kept?.[0]).toMatchObject({ outcome: 'done', note: 'application was here', at: expect.stringMatching(/^\d{4}-.*Z$/), durationMs: expect.any(Number) })
    expect(result.hooks.map(({ hook }) => hook).slice(-2)).toEqual(['afterBackup', 'afterBackup'])
    expect(result.warnings).toEqual([])
  })

  it('bring the application to rest while the snapshot is taken, and no longer', async () => {
    hooks = {
      application: { beforeView: () => database.carelessly('INSERT INTO orders (id, cents) VALUES (101, 1)') },
      plan: { afterView: () => database.carelessly('INSERT INTO orders (id, cents) VALUES (102, 1)') },
    }
    const holdfast = await boot()
    const { snapshotId } = await holdfast.backups.run('shop')
    const ids = (await collect((await holdfast.discovery.open(snapshotId)).stream('Order'))).map((order) => Number(order['id']))
    expect(ids).toContain(101)
    expect(ids).not.toContain(102)
    expect(await database.count({ table: 'orders' }, 'id = 102')).toBe(1)
  })

  it('stop a backup before anything is stored, and hear how it ended', async () => {
    let ended: EndedBackup | undefined
    const refusal = new Error('the queue does not drain')
    hooks.plan = { ...hooks.plan, beforeBackup: () => Promise.reject(refusal), afterBackup: (run) => void (ended = run) }
    const holdfast = await boot()
    const error = await failure(holdfast.backups.run('shop'), 'E_HOOK')
    expect(error.message).toContain('beforeBackup of plan "shop" stopped the run: the queue does not drain')
    expect(error).toMatchObject({ cause: refusal, details: { hook: 'beforeBackup', of: 'plan', planId: 'shop' } })
    expect(ended).toMatchObject({ status: 'failed', error, snapshotId: null, resumed: false, scope: null })
    expect(called).toEqual(['application beforeBackup', 'application afterBackup failed'])
    expect(await objects()).toEqual([])

    hooks.plan = { ...noting('plan'), beforeView: () => Promise.reject(refusal) }
    called = []
    const second = await boot()
    await failure(second.backups.run('shop'), 'E_HOOK')
    expect(called.filter((one) => one.includes('afterView'))).toEqual(['plan afterView not opened', 'application afterView not opened'])
    expect(called.filter((one) => one.includes('afterBackup'))).toEqual(['plan afterBackup failed', 'application afterBackup failed'])
    expect((await objects()).filter((key) => key.includes('/sessions/'))).toEqual([])
  })

  it('have a time limit, and hear when nobody waits any more', async () => {
    let heard: AbortSignal | undefined
    hooks.application = { beforeBackup: ({ signal }) => new Promise<void>(() => (heard = signal)), timeoutMs: 20 }
    const error = await failure((await boot()).backups.run('shop'), 'E_HOOK')
    expect(error.message).toContain('it took longer than 20 ms')
    expect(heard?.aborted).toBe(true)

    const abort = new AbortController()
    hooks.application = {
      beforeBackup: () => {
        abort.abort()
        return new Promise<void>(() => {})
      },
      afterBackup: ({ status }) => void called.push(`ended ${status}`),
    }
    called = []
    await failure((await boot()).backups.run('shop', { signal: abort.signal }), 'E_ABORTED')
    expect(called).toContain('ended cancelled')
    expect(await objects()).toEqual([])
  })

  it('cannot spoil what is done: a failure afterwards is a warning', async () => {
    hooks.application = { afterBackup: () => Promise.reject(new Error('no mail')), afterView: () => Promise.reject(new Error('no light')) }
    hooks.plan = {}
    const holdfast = await boot()
    const result = await holdfast.backups.run('shop')
    expect(result.warnings).toEqual(['afterView of the application failed: no light', 'afterBackup of the application failed: no mail'])
    const manifest = await holdfast.discovery.snapshot(result.snapshotId)
    expect(manifest.hooks).toMatchObject([{ hook: 'afterView', outcome: 'failed', error: 'no light' }])
  })

  it('are called again when a paused backup is resumed', async () => {
    const ends: EndedBackup[] = []
    const begun: boolean[] = []
    hooks.plan = {}
    hooks.application = { beforeBackup: ({ resumed }) => void begun.push(resumed), afterBackup: (run) => void ends.push(run), beforeView: () => 'rested' }
    const holdfast = await boot()
    const session = await holdfast.backups.start('shop', { source: { pauseWhen: () => 'wait' } })
    const token = await session.pause()
    expect(ends).toMatchObject([{ status: 'paused', resumed: false, snapshotId: null, error: null }])
    const { snapshotId, hooks: kept } = await (await holdfast.backups.resume(token)).result()
    expect(begun).toEqual([false, true])
    expect(ends[1]).toMatchObject({ status: 'completed', resumed: true, snapshotId })
    expect(kept.map(({ hook }) => hook)).toEqual(['beforeBackup', 'beforeView', 'afterBackup'])
    // What is complete takes no more work, and no hooks.
    expect((await (await holdfast.backups.resume(token)).result()).snapshotId).toBe(snapshotId)
    expect(begun).toHaveLength(2)

    const other = await holdfast.backups.start('shop', { source: { pauseWhen: () => 'wait' } })
    await other.cancel()
    expect(ends[2]).toMatchObject({ status: 'cancelled', error: { code: 'E_SESSION_CLOSED' } })
  })

  it('stop a restore before anything is changed, and are told what it wrote', async () => {
    const holdfast = await boot()
    const { snapshotId: snapshot } = await holdfast.backups.run('shop')
    await database.carelessly('DELETE FROM orders WHERE id <= 4', 'UPDATE orders SET cents = 0 WHERE id = 10')
    const before = await database.image()
    called = []
    await holdfast.restores.restore({ snapshot, policy: 'overwrite', dryRun: true })
    expect(called).toEqual([])

    const ended: EndedRestore[] = []
    hooks.plan = { beforeRestore: () => Promise.reject(new Error('somebody is at work')), afterRestore: (run) => void ended.push(run) }
    const refused = await boot()
    await failure(refused.restores.restore({ snapshot, policy: 'overwrite' }), 'E_HOOK')
    expect(await database.image()).toEqual(before)
    expect(ended).toMatchObject([{ status: 'failed', error: { code: 'E_HOOK' }, entities: [], snapshotId: snapshot }])

    hooks.plan = { afterRestore: (run) => void ended.push(run) }
    const working = await boot()
    const done = await working.restores.restore({ snapshot, policy: 'overwrite', undo: true, by: 'ada' })
    expect(ended[1]).toMatchObject({ status: 'completed', restoreId: done.restoreId, by: 'ada', undoes: null })
    expect(ended[1]?.entities).toEqual([{ store: 'default', entity: 'Order', create: 4, update: 1, delete: 0 }])
    const kept = await working.restores.result(done.restoreId)
    expect(kept?.hooks.map(({ of, hook }) => `${of} ${hook}`)).toEqual(['application beforeRestore', 'plan afterRestore', 'application afterRestore'])

    const undone = await working.restores.undo(done.restoreId)
    expect(ended[2]).toMatchObject({ status: 'completed', undoes: done.restoreId, restoreId: undone.restoreId })
    expect(await database.image()).toEqual(before)
  })
})

describe('hooks that are none', () => {
  it('are refused at boot', async () => {
    const plan = definePlan({ id: 'shop', description: 'd', entities: ['Order'], hooks: { beforeBackup: 'now' } as never })
    const stores = [{ name: 'default', dialect: 'sqlite', orm: 'none', mapping: { entities: [], excluded: [] } } as never]
    expect((await failure(createHoldfast({ stores, storage: memoryStorage(), plans: [plan] }), 'E_PLAN_INVALID')).message).toContain('hooks.beforeBackup')
    const wrong = { stores, storage: memoryStorage(), hooks: { beforeBakcup: () => {}, timeoutMs: 0 } as never }
    expect((await failure(createHoldfast(wrong), 'E_CONFIG')).message).toMatch(/hooks\.beforeBakcup.*no such member[\s\S]*hooks\.timeoutMs.*not a time/)
  })
})
