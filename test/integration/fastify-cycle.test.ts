import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { defineRestore } from '../../src/index.ts'
import { openSqliteShop, SHOP, SHOP_SCHEMAS, type SqliteShop } from '../fixtures/sqlite-shop.ts'
import { type Answer, fastifyRig, type FastifyRig, until } from '../support/fastify-rig.ts'
import { type HeldStorage, heldStorage } from '../support/held-storage.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

// One backup and its restore over HTTP, from the first request to the last: SQLite through TypeORM, backups in a folder, two server processes' worth of Holdfast.

const folder = temporaryFolder()
const ENTITIES = SHOP_SCHEMAS.map(({ options }) => options.name)
let shop: SqliteShop
let held: HeldStorage
let first: FastifyRig
let second: FastifyRig
let log = ''

async function ended(server: FastifyRig, path: string): Promise<Answer> {
  let answer = await server.request('GET', path)
  await until(`${path} has ended`, async () => {
    answer = await server.request('GET', path)
    return !['running', 'pausing', 'cancelling'].includes(answer.body.state!)
  })
  return answer
}

beforeAll(async () => {
  shop = await openSqliteShop(folder.path)
  held = heldStorage(fsStorage({ root: join(folder.path, 'backups') }))
  const server = {
    logger: {
      level: 'trace',
      stream: new Writable({
        write(chunk, _encoding, done) {
          log += String(chunk)
          done()
        },
      }),
    },
  }
  const store = () => typeormStore(shop.dataSource, { name: 'shop' })
  const restores = [defineRestore({ id: 'lines', description: 'Lines that are missing', plan: 'shop', entities: ['OrderLine'], update: false })]
  first = await fastifyRig({ store: store(), storage: held.storage, entities: ENTITIES, restores, server })
  second = await fastifyRig({ store: store(), storage: fsStorage({ root: join(folder.path, 'backups') }), entities: ENTITIES, server })
})

afterAll(async () => {
  held.release()
  await first.close()
  await second.close()
  await shop.dataSource.destroy()
  folder.remove()
})

describe('a backup and its restore over HTTP', () => {
  let id: string
  let token: string
  let before: string

  it('starts, and answers at once with where to look', async () => {
    before = await shop.digest()
    held.hold()
    const started = await first.request('POST', '/backups', { body: { plan: 'shop', metadata: { release: '1.2.3' } } })
    expect(started.status).toBe(202)
    expect(started.body).toMatchObject({ planId: 'shop', state: 'running', result: null, error: null })
    id = started.body.id!
    expect(started.headers.get('location')).toBe(`/api/holdfast/backups/${id}`)
    const looked = await fetch(new URL(started.headers.get('location')!, first.base), { headers: { authorization: 'Bearer reader' } })
    expect(await looked.json()).toMatchObject({ id, state: 'running', progress: { operation: 'backup', id } })
  })

  it('shows progress by polling and by events, and pauses', async () => {
    const events = await first.events(`/backups/${id}/events`, { as: 'reader' })
    await until('records were read', async () => Number((await first.request('GET', `/backups/${id}`)).body.progress!.records) > 0)
    await until('chunks wait to be stored', () => held.waiting > 0)
    await until('an event came', () => events.events.length > 0)
    expect(events.events[0]).toMatchObject({ event: 'progress', data: { operation: 'backup', id } })

    const pausing = first.request('POST', `/backups/${id}/pause`)
    await until('the backup is pausing', async () => (await first.request('GET', `/backups/${id}`)).body.state === 'pausing')
    held.release()
    const paused = await pausing
    expect(paused.status).toBe(200)
    expect(paused.body).toMatchObject({ id, state: 'paused' })
    token = paused.body.token!

    await events.ended
    expect(events.events.at(-1)).toMatchObject({ event: 'end', data: { state: 'paused', error: null } })
    expect((await first.request('GET', '/snapshots')).body.snapshots).toEqual([])
  })

  it('knows the paused backup in a process that did not run it', async () => {
    expect((await second.request('GET', `/backups/${id}`)).body).toMatchObject({ id, planId: 'shop', state: 'paused', progress: null, result: null })
    expect((await second.request('GET', '/sessions')).body.sessions).toMatchObject([{ id, state: 'paused', token }])
    const forReaders = await second.request('GET', '/sessions', { as: 'reader' })
    expect(forReaders.body.sessions).toMatchObject([{ id, state: 'paused' }])
    expect(JSON.stringify(forReaders.body)).not.toContain(token)
  })

  it('resumes there by its token', async () => {
    const resumed = await second.request('POST', '/backups/resume', { body: { token } })
    expect(resumed.status).toBe(202)
    expect(resumed.body.id).toBe(id)
    expect(resumed.headers.get('location')).toBe(`/api/holdfast/backups/${id}`)
    const done = await ended(second, `/backups/${id}`)
    expect(done.body).toMatchObject({ state: 'done', progress: { percent: 100, phase: 'done' }, error: null })
    expect(done.body.result).toMatchObject({ snapshotId: id, totals: { entities: 3, rows: SHOP.customers + SHOP.orders + SHOP.lines } })
    expect((await second.request('GET', '/sessions')).body.sessions).toEqual([])

    const again = await second.request('POST', '/backups/resume', { body: { token } })
    expect(again.body).toMatchObject({ id, state: 'done', result: { snapshotId: id } })
  })

  it('lists, shows and verifies the snapshot', async () => {
    const list = await first.request('GET', '/snapshots?plan=shop&limit=5', { as: 'reader' })
    expect(list.body.snapshots).toMatchObject([{ id, planId: 'shop', kind: 'full', metadata: { release: '1.2.3' }, entities: 3 }])
    const snapshot = await first.request('GET', `/snapshots/${id}`, { as: 'reader' })
    expect(snapshot.body).toMatchObject({ id, stores: [{ name: 'shop', dialect: 'sqlite' }] })
    const orders = (snapshot.body.entities as unknown as { entity: string; rows: number; table: string }[]).find(({ entity }) => entity === 'Order')
    expect(orders).toMatchObject({ table: 'orders', rows: SHOP.orders })
    expect((await first.request('POST', `/snapshots/${id}/verify?level=plain`)).body).toMatchObject({ snapshotId: id, level: 'plain', damages: [] })
  })

  it('looks before it restores, and shows values only to those who may restore', async () => {
    await shop.dataSource.query('DELETE FROM order_line WHERE order_id > 1700')
    await shop.dataSource.query('DELETE FROM orders WHERE id > 1700')
    await shop.dataSource.query("UPDATE customer SET name = 'ruined'")

    const look = await first.request('POST', '/restores', { body: { snapshot: id, policy: 'overwrite', dryRun: true } })
    expect(look.status).toBe(202)
    const path = `/restores/${look.body.id}`
    expect(look.headers.get('location')).toBe(`/api/holdfast${path}`)
    const planned = await ended(first, path)
    expect(planned.body).toMatchObject({
      state: 'done',
      dryRun: true,
      result: { status: 'planned', totals: { create: 300 + 600, update: SHOP.customers, conflict: 0 } },
    })
    expect(JSON.stringify(planned.body)).toContain('"live":"ruined"')

    const forReaders = await first.request('GET', path, { as: 'reader' })
    expect(forReaders.body).toMatchObject({ state: 'done', result: { totals: { update: SHOP.customers } } })
    expect(JSON.stringify(forReaders.body)).not.toMatch(/ruined|samples/)
    expect(await second.request('GET', path, { as: 'reader' })).toMatchObject({ status: 200, body: { state: 'done', dryRun: true, progress: null } })
    expect(await shop.digest()).not.toBe(before)
  })

  it('writes nothing unless the snapshot is confirmed', async () => {
    for (const confirm of [undefined, '', 'yes', id.replace(/.$/, (last) => (last === '0' ? '1' : '0'))]) {
      const refused = await first.request('POST', '/restores', { body: { snapshot: id, policy: 'overwrite', confirm } })
      expect(refused).toMatchObject({ status: 400, body: { code: 'E_REQUEST' } })
    }
    expect((await first.request('GET', '/restores')).body.restores).toHaveLength(1)
  })

  it('restores', async () => {
    const started = await first.request('POST', '/restores', { body: { snapshot: id, policy: 'overwrite', confirm: id } })
    expect(started.status).toBe(202)
    const path = `/restores/${started.body.id}`
    const events = await first.events(`${path}/events`, { as: 'reader' })
    await events.ended
    expect(events.events.at(-1)).toMatchObject({ event: 'end', data: { state: 'done', error: null, progress: { operation: 'restore', percent: 100 } } })
    expect((await ended(first, path)).body).toMatchObject({ state: 'done', result: { status: 'completed', totals: { create: 900, update: SHOP.customers } } })
    expect(await shop.digest()).toBe(before)
    expect(await first.request('GET', `${path}/diagnostics`)).toMatchObject({
      status: 200,
      body: { restoreId: started.body.id, total: 0, entries: [], code: null },
    })
  })

  it('restores by name what the application has declared', async () => {
    expect((await first.request('GET', '/restores/named', { as: 'reader' })).body).toEqual({
      restores: [{ id: 'lines', description: 'Lines that are missing', plan: 'shop' }],
    })
    await shop.dataSource.query('DELETE FROM order_line WHERE order_id = 7')
    const refused = await first.request('POST', '/restores/named/lines', { body: { confirm: id } })
    expect(refused).toMatchObject({ status: 400, body: { code: 'E_REQUEST' } })
    expect(await first.request('POST', '/restores/named/other', { body: { dryRun: true } })).toMatchObject({ status: 404, body: { code: 'E_RESTORE_UNKNOWN' } })
    expect(await first.request('POST', '/restores/named/lines', { body: { dryRun: true, at: '2001-01-01T00:00:00Z' } })).toMatchObject({
      status: 404,
      body: { code: 'E_SNAPSHOT_UNKNOWN' },
    })
    const planned = await first.request('POST', '/restore-plans/named/lines', { body: { by: 'ada' } })
    expect(planned.status).toBe(202)
    expect((await ended(first, `/restores/${planned.body.id}`)).body).toMatchObject({
      state: 'done',
      dryRun: true,
      result: { name: 'lines', totals: { create: 2 } },
    })
    expect((await first.request('GET', `/restore-plans/${planned.body.id}`)).body).toMatchObject({ planId: planned.body.id, rows: 2 })
    expect((await first.request('POST', '/restores/named/lines', { body: { dryRun: true, policy: 'overwrite' } })).status).toBe(400)
    const started = await first.request('POST', '/restores/named/lines', { body: { confirm: 'lines' } })
    expect(started.status).toBe(202)
    expect((await ended(first, `/restores/${started.body.id}`)).body).toMatchObject({
      state: 'done',
      result: { status: 'completed', name: 'lines', totals: { create: 2 } },
    })
    expect((await first.request('GET', '/restore-history?limit=1', { as: 'reader' })).body).toMatchObject({
      restores: [{ restoreId: started.body.id, name: 'lines' }],
    })
    expect(await shop.digest()).toBe(before)
  })

  it('says why a restore was refused, and which records only to those who may restore', async () => {
    await shop.dataSource.query('DELETE FROM order_line WHERE order_id = 7')
    await shop.dataSource.query('DELETE FROM orders WHERE id = 7')
    const started = await first.request('POST', '/restores', { body: { snapshot: id, entities: ['OrderLine'], policy: 'overwrite', confirm: id } })
    const path = `/restores/${started.body.id}`
    expect((await ended(first, path)).body).toMatchObject({ state: 'failed', result: null, error: { code: 'E_RESTORE_REJECTED', retryable: false } })

    const diagnostics = await first.request('GET', `${path}/diagnostics`)
    expect(diagnostics.body).toMatchObject({ code: 'E_RESTORE_REJECTED', total: 2, causes: { 'missing-parent': 2 } })
    expect(diagnostics.body.entries).toMatchObject([
      { store: 'shop', entity: 'OrderLine', key: '[13]', cause: 'missing-parent' },
      { store: 'shop', entity: 'OrderLine', key: '[14]', cause: 'missing-parent' },
    ])
    expect(await first.request('GET', `${path}/diagnostics`, { as: 'reader' })).toMatchObject({ status: 403, body: { code: 'E_FORBIDDEN' } })
    expect((await first.request('GET', path, { as: 'reader' })).body.error).toEqual({
      code: 'E_RESTORE_REJECTED',
      message: 'Rows cannot be restored: missing parents, unique clashes, invalid values. Nothing was committed.',
      hint: expect.any(String) as string,
      details: {},
      retryable: false,
    })
    expect(await second.request('GET', path)).toMatchObject({ status: 200, body: { state: 'failed', error: { code: 'E_RESTORE_REJECTED' } } })
    expect((await second.request('GET', `${path}/diagnostics`)).body.total).toBe(2)
  })

  it('deletes the snapshot with a reason, and then does not know it', async () => {
    expect((await first.request('DELETE', `/snapshots/${id}`, { body: { reason: 'only a test' } })).status).toBe(204)
    expect(await first.request('GET', `/snapshots/${id}`)).toMatchObject({ status: 404, body: { code: 'E_SNAPSHOT_UNKNOWN' } })
    expect(await second.request('POST', '/backups/resume', { body: { token } })).toMatchObject({ status: 409, body: { code: 'E_SESSION_CLOSED' } })
  })

  it('never logged the token', () => {
    expect(log).toContain(`/backups/${id}`)
    expect(log).not.toContain(token)
  })
})
