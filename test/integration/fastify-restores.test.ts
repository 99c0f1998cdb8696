import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { openSqliteShop, SHOP, type SqliteShop } from '../fixtures/sqlite-shop.ts'
import { type Answer, fastifyRig, type FastifyRig, until } from '../support/fastify-rig.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

// A restore that is planned, looked at, applied, taken back and replayed by people who have nothing but HTTP.
describe('restores over HTTP', () => {
  const folder = temporaryFolder()
  let shop: SqliteShop
  let rig: FastifyRig
  let snapshot: string

  beforeAll(async () => {
    shop = await openSqliteShop(folder.path)
    rig = await fastifyRig({
      store: typeormStore(shop.dataSource, { name: 'shop' }),
      storage: fsStorage({ root: folder.path }),
      entities: ['Customer', 'Order', 'OrderLine'],
    })
    snapshot = (await rig.holdfast.backups.run('shop', { kind: 'full' })).snapshotId
  })
  afterAll(async () => {
    await rig?.close()
    await shop?.dataSource.destroy()
    folder.remove()
  })

  async function ended(started: Answer): Promise<Answer['body']> {
    expect(started).toMatchObject({ status: 202, body: { id: expect.any(String) as string } })
    expect(started.headers.get('location')).toBe(`/api/holdfast/restores/${started.body.id}`)
    const events = await rig.events(`/restores/${started.body.id}/events`, { as: 'reader' })
    await events.ended
    const { body } = await rig.request('GET', `/restores/${started.body.id}`)
    const last = events.events.at(-1)
    if (events.response.status === 200) expect(last).toMatchObject({ event: 'end', data: { state: body.state } })
    return body
  }

  it('plans, shows the plan to people and programs, applies exactly that, and undoes it', async () => {
    const before = await shop.digest()
    await shop.dataSource.query('DELETE FROM order_line WHERE id <= 30')
    await shop.dataSource.query("UPDATE customer SET name = 'ruined' WHERE id = 3")
    const broken = await shop.digest()
    const planned = await ended(await rig.request('POST', '/restore-plans', { body: { snapshot, policy: 'overwrite', by: 'ada' } }))
    expect(planned).toMatchObject({ state: 'done', dryRun: true })
    const path = `/restore-plans/${planned.id}`
    const plan = await rig.request('GET', path)
    expect(plan).toMatchObject({ status: 200, body: { planId: planned.id, rows: 31, by: 'ada', problems: 0, totals: { create: 30, update: 1 } } })
    expect(JSON.stringify(plan.body)).toContain('ruined')
    const forReaders = await rig.request('GET', path, { as: 'reader' })
    expect(forReaders.body).toMatchObject({ rows: 31, hash: plan.body.hash })
    expect(JSON.stringify(forReaders.body)).not.toMatch(/ruined|samples/)
    const text = await fetch(`${rig.base}${path}?format=text`, { headers: { authorization: 'Bearer operator' } })
    expect(text.headers.get('content-type')).toContain('text/plain')
    const said = await text.text()
    expect(said).toMatch(/^Plan .* 31 rows to touch/)
    expect(said).toContain('update   Customer [3]  name "ruined" → "Customer 3"')
    const hidden = await fetch(`${rig.base}${path}?format=text`, { headers: { authorization: 'Bearer reader' } })
    expect(await hidden.text()).not.toContain('ruined')

    const first = await rig.request('GET', `${path}/rows?limit=20`)
    const rest = await rig.request('GET', `${path}/rows?limit=20&offset=20`)
    expect([first.body.rows!.length, first.body.next, rest.body.rows!.length, rest.body.next]).toEqual([20, 20, 11, null])
    expect([...(first.body.rows as unknown as unknown[]), ...(rest.body.rows as unknown as unknown[])]).toContainEqual({
      store: 'shop',
      entity: 'Customer',
      key: '[3]',
      action: 'update',
      why: { because: 'asked' },
    })
    expect((await rig.request('GET', `${path}/rows`, { as: 'reader' })).status).toBe(403)
    expect(await rig.request('GET', `/restore-plans/${snapshot}`)).toMatchObject({ status: 404, body: { code: 'E_RESTORE_UNKNOWN' } })

    expect(await rig.request('POST', `${path}/apply`, { body: { hash: 'another' } })).toMatchObject({ status: 400, body: { code: 'E_CONFIG' } })
    expect(await rig.request('POST', `${path}/apply`, { body: {} })).toMatchObject({ status: 400, body: { code: 'E_REQUEST' } })
    const applied = await ended(await rig.request('POST', `${path}/apply`, { body: { hash: plan.body.hash, by: 'bob' } }))
    expect(applied).toMatchObject({ state: 'done', result: { applies: planned.id, by: 'bob', undoable: true } })
    expect(await shop.digest()).toBe(before)
    const stale = await ended(await rig.request('POST', `${path}/apply`, { body: { hash: plan.body.hash } }))
    expect(stale).toMatchObject({ state: 'failed', error: { code: 'E_PLAN_APPLIED' } })

    const undone = await ended(await rig.request('POST', `/restores/${applied.id}/undo`))
    expect(undone).toMatchObject({ state: 'done', result: { undoes: applied.id, totals: { delete: 30, update: 1 } } })
    expect(await shop.digest()).toBe(broken)
    await shop.dataSource.query("UPDATE customer SET name = 'newer' WHERE id = 3")
    const conflict = await ended(await rig.request('POST', `/restores/${applied.id}/undo`, { body: { onConflict: 'fail', by: 'eve' } }))
    expect(conflict).toMatchObject({ state: 'failed', error: { code: 'E_UNDO_CONFLICT' } })
    expect((await rig.request('POST', `/restores/${snapshot}/undo`)).status).toBe(404)
    await shop.dataSource.query("UPDATE customer SET name = 'ruined' WHERE id = 3")
    await ended(await rig.request('POST', `/restores/${undone.id}/undo`, { body: {} }))
    expect(await shop.digest()).toBe(before)
  })

  it('goes on without some records, says so, and replays them', async () => {
    const before = await shop.digest()
    await shop.dataSource.query('DELETE FROM order_line WHERE order_id % 50 = 7')
    await shop.dataSource.query('DELETE FROM orders WHERE customer_id = 8')
    await shop.dataSource.query('DELETE FROM customer WHERE id = 8')
    const failed = SHOP.orders / 50 + SHOP.lines / 50
    const body = { snapshot, entities: ['Order', 'OrderLine'], confirm: snapshot, continueOnError: 1000 }
    const partial = await ended(await rig.request('POST', '/restores', { body }))
    expect(partial).toMatchObject({ state: 'partial', error: null, result: { status: 'PartiallyRestored', problems: failed, totals: { failed } } })
    const kept = (await rig.request('GET', `/restores/${partial.id}/diagnostics`)).body
    expect(kept).toMatchObject({ total: failed, code: null })
    expect(kept).not.toHaveProperty('kept')

    const vain = await ended(await rig.request('POST', `/restores/${partial.id}/replay`))
    expect(vain).toMatchObject({ state: 'failed', error: { code: 'E_RESTORE_REJECTED' } })
    await shop.dataSource.query("INSERT INTO customer (id, name, email) VALUES (8, 'Customer 8', 'customer8@example.test')")
    const replayed = await ended(await rig.request('POST', `/restores/${partial.id}/replay`, { body: { causes: ['missing-parent'], by: 'ada' } }))
    expect(replayed).toMatchObject({ state: 'done', result: { status: 'completed', replays: partial.id, by: 'ada', totals: { create: failed } } })
    expect(await shop.digest()).toBe(before)
    expect(await rig.request('POST', `/restores/${replayed.id}/replay`, { body: { policy: 'none' } })).toMatchObject({ status: 400 })
    let twice = await ended(await rig.request('POST', `/restores/${partial.id}/replay`))
    await until('the replay is noted', async () => {
      twice = await ended(await rig.request('POST', `/restores/${partial.id}/replay`))
      return Number(twice.result!.totals!.records) === 0
    })
    expect(twice).toMatchObject({ state: 'done', result: { totals: { create: 0 } } })

    const history = await rig.request('GET', '/restore-history?limit=100', { as: 'reader' })
    const entries = history.body.restores as unknown as { restoreId: string; replays: string | null }[]
    expect(entries.find(({ restoreId }) => restoreId === String(replayed.id))).toMatchObject({ replays: partial.id })
    expect(JSON.stringify(history.body)).not.toContain('samples')
    expect(await rig.request('POST', `/restores/${snapshot}/replay`)).toMatchObject({ status: 404, body: { code: 'E_RESTORE_UNKNOWN' } })
  })
})
