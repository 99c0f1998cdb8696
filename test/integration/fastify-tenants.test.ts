import { Readable } from 'node:stream'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TENANTS } from '../fixtures/tenants/tenant-shop.ts'
import { type Json, PREFIX, until } from '../support/fastify-rig.ts'
import { openTenantRig, type TenantRig } from '../support/tenant-rig.ts'
import { type Access, type Authorize, holdfastPlugin, holdfastRoutes } from '../../web/fastify/index.ts'

const [ACME, LOUD, , ODD] = TENANTS

/** A busy machine is no failure. */
const PATIENCE_MS = 50_000

const asked: Access[] = []
/** Who comes is one tenant's, or nobody's, and may do everything there. */
const byTenant: Authorize = (request, _reply, access) => {
  asked.push(access)
  return access.scope === (request.headers['x-tenant'] === undefined ? null : decodeURIComponent(String(request.headers['x-tenant'])))
}

let rig: TenantRig
let app: FastifyInstance
const routes: { method: string; url: string }[] = []

beforeAll(async () => {
  rig = await openTenantRig({ dialect: 'sqlite', orm: 'TypeORM' })
  app = Fastify()
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, url })
  })
  await app.register(holdfastPlugin, { holdfast: rig.holdfast })
  await app.register(holdfastRoutes, { prefix: PREFIX, authorize: byTenant, control: true, scopes: true, health: { maxAgeMs: { shop: 3_600_000 } } })
  await app.ready()
})
afterAll(async () => {
  await app.close()
  await rig.close()
})

interface Asked {
  readonly as?: string
  readonly scope?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

async function call(method: string, path: string, { as, scope = as, body, headers = {} }: Asked = {}) {
  const query = scope === undefined ? '' : `${path.includes('?') ? '&' : '?'}scope=${encodeURIComponent(scope)}`
  const answer = await app.inject({
    method: method as 'GET',
    url: `${PREFIX}${path}${query}`,
    headers: { ...(as === undefined ? {} : { 'x-tenant': encodeURIComponent(as) }), ...headers },
    ...(body === undefined ? {} : { payload: body as object }),
  })
  const isJson = String(answer.headers['content-type']).includes('json') && answer.body !== ''
  return { status: answer.statusCode, headers: answer.headers, body: (isJson ? answer.json() : answer.body) as Json }
}

/** A backup to its end; its id is that of the snapshot. */
async function backUp(tenant: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const started = await call('POST', '/backups', { as: tenant, body: { plan: 'shop' }, headers })
  expect(started.status).toBe(202)
  expect(started.headers.location).toBe(`${PREFIX}/backups/${started.body.id}?scope=${encodeURIComponent(tenant)}`)
  await until('the backup is done', async () => (await call('GET', `/backups/${started.body.id}`, { as: tenant })).body.state === 'done', PATIENCE_MS)
  return String(started.body.id)
}

describe('tenants over HTTP', () => {
  let mine: string
  let theirs: string

  it('shows each what is its own', async () => {
    mine = await backUp(ACME)
    theirs = await backUp(LOUD)
    const snapshots = async (as?: string) =>
      ((await call('GET', '/snapshots', as === undefined ? {} : { as })).body.snapshots as unknown as { id: string }[]).map(({ id }) => id)
    expect(await snapshots(ACME)).toEqual([mine])
    expect(await snapshots(LOUD)).toEqual([theirs])
    expect(await snapshots()).toEqual([])
    const backups = async (as?: string) =>
      ((await call('GET', '/backups', as === undefined ? {} : { as })).body.backups as unknown as { id: string }[]).map(({ id }) => id)
    expect([await backups(ACME), await backups(LOUD), await backups()]).toEqual([[mine], [theirs], []])
    const events = await call('GET', `/backups/${mine}/events`, { as: ACME })
    expect(events).toMatchObject({ status: 200, body: expect.stringContaining('event: end') })
    expect((await call('POST', `/snapshots/${mine}/verify`, { as: ACME })).body).toMatchObject({ damages: [] })
    expect((await call('GET', '/health', { as: ACME })).body).toMatchObject({ healthy: true, plans: [{ plan: 'shop', snapshotId: mine }] })
    expect((await call('GET', '/health', { as: ODD })).body).toMatchObject({ healthy: false, plans: [{ plan: 'shop', snapshotId: null }] })
    expect((await call('GET', '/health')).body).toEqual({ healthy: true, plans: [] })
  })

  it('asks for every request of whom it is about, and keeps each from all others', async () => {
    const restore = await call('POST', '/restores', { as: LOUD, body: { snapshot: theirs, dryRun: true } })
    const restored = String(restore.body.id)
    expect(restore.headers.location).toBe(`${PREFIX}/restores/${restored}?scope=${encodeURIComponent(LOUD)}`)
    await until('the look is over', async () => (await call('GET', `/restores/${restored}`, { as: LOUD })).body.state === 'done', PATIENCE_MS)
    const paused = (await call('POST', '/backups', { as: LOUD, body: { plan: 'shop' } })).body
    // Paused or done by now: either way it is found by its own tenant, and by nobody else.
    await call('POST', `/backups/${paused.id}/pause`, { as: LOUD })
    for (const { method, url } of routes) {
      const path = url.slice(PREFIX.length)
      for (const id of path.includes(':id') ? [theirs, restored, String(paused.id)] : ['']) {
        const at = path.replace(':id', id)
        asked.length = 0
        const foreign = await call(method, at, { as: ACME, scope: LOUD, body: method === 'GET' || method === 'HEAD' ? undefined : {} })
        expect(foreign.status, `${method} ${at}`).toBe(403)
        expect(asked.at(-1)).toMatchObject({ scope: LOUD })
        const nameless = await app.inject({ method: method as 'GET', url: `${PREFIX}${at}`, headers: { 'x-tenant': ACME } })
        expect(nameless.statusCode, `${method} ${at} without a scope`).toBe(403)
        const twice = await app.inject({ method: method as 'GET', url: `${PREFIX}${at}?scope=${ACME}&scope=${LOUD}`, headers: { 'x-tenant': ACME } })
        expect(twice.statusCode, `${method} ${at} twice`).toBe(400)
        if (!path.includes(':id')) continue
        // The right tenant, the wrong id.
        const bodies: Record<string, unknown> = { DELETE: { reason: 'a try' }, POST: {} }
        const stray = await call(method, at, { as: ACME, body: bodies[method] })
        // 400 where the body takes more than nothing.
        expect([400, 404], `${method} ${at} of another`).toContain(stray.status)
        if (stray.status === 400) expect(stray.body.code).toBe('E_REQUEST')
      }
    }
    expect((await call('GET', `/snapshots/${theirs}`, { as: LOUD })).status).toBe(200)
    expect((await call('POST', '/restores', { as: ACME, body: { snapshot: theirs, dryRun: true } })).body.code).toBe('E_SNAPSHOT_UNKNOWN')
    expect((await call('POST', '/backups/resume', { as: ACME, body: { token: paused.token } })).body.code).toBe('E_TOKEN_INVALID')
    expect((await call('GET', '/snapshots', { as: '../' + ACME })).body).toEqual({ snapshots: [] })
    for (const scope of ['%00', 'a%0Ab']) expect((await app.inject({ method: 'GET', url: `${PREFIX}/snapshots?scope=${scope}` })).statusCode).toBe(400)
  })

  it('gives a bundle to its own tenant alone, and takes none for another', async () => {
    const send = (as: string, scope: string, payload: Buffer) =>
      app.inject({
        method: 'POST',
        url: `${PREFIX}/bundles?scope=${encodeURIComponent(scope)}`,
        headers: { 'x-tenant': encodeURIComponent(as), 'content-type': 'application/octet-stream' },
        payload,
      })
    const get = (as: string, scope: string | null, id: string) =>
      app.inject({
        method: 'GET',
        url: `${PREFIX}/snapshots/${id}/bundle${scope === null ? '' : `?scope=${encodeURIComponent(scope)}`}`,
        headers: { 'x-tenant': encodeURIComponent(as) },
      })
    const bundle = await get(LOUD, LOUD, theirs)
    expect(bundle.statusCode).toBe(200)
    expect((await rig.holdfast.bundles.inspect(Readable.from([bundle.rawPayload]), { verify: true })).snapshot).toMatchObject({ scope: LOUD })
    for (const [scope, status] of [
      [LOUD, 403],
      [null, 403],
      [ACME, 404],
    ] as const) {
      const refused = await get(ACME, scope, theirs)
      expect([refused.statusCode, refused.headers['content-disposition']], String(scope)).toEqual([status, undefined])
    }
    const before = await rig.holdfast.discovery.snapshots({ scope: ACME })
    expect((await send(ACME, LOUD, bundle.rawPayload)).statusCode).toBe(403)
    const forced = await send(ACME, ACME, bundle.rawPayload)
    expect([forced.statusCode, forced.json<Json>().code]).toEqual([400, 'E_SCOPE'])
    const nobodys = await app.inject({
      method: 'POST',
      url: `${PREFIX}/bundles`,
      headers: { 'content-type': 'application/octet-stream' },
      payload: bundle.rawPayload,
    })
    expect([nobodys.statusCode, nobodys.json<Json>().code]).toEqual([400, 'E_SCOPE'])
    expect(await rig.holdfast.discovery.snapshots({ scope: ACME })).toEqual(before)
    expect((await send(LOUD, LOUD, bundle.rawPayload)).json<Json>()).toMatchObject({ outcome: 'present', snapshotId: theirs })
  })

  it('keeps plans, undo and history with the tenant whose rows they are about', async () => {
    await rig.database.carelessly(`UPDATE customer SET name = 'bad' WHERE id IN (1, 2)`)
    const live = await rig.database.image()
    const done = async (id: unknown) =>
      until('the restore is done', async () => (await call('GET', `/restores/${String(id)}`, { as: ACME })).body.state !== ('running' as unknown), PATIENCE_MS)
    const planned = await call('POST', '/restore-plans', { as: ACME, body: { snapshot: mine, policy: 'overwrite' } })
    expect(planned.headers.location).toBe(`${PREFIX}/restores/${planned.body.id}?scope=${ACME}`)
    await done(planned.body.id)
    const plan = `/restore-plans/${planned.body.id}`
    const { hash } = (await call('GET', plan, { as: ACME })).body
    expect((await call('GET', `${plan}/rows`, { as: ACME })).body).toMatchObject({ rows: [{ entity: 'Customer', key: '[1]', action: 'update' }] })
    for (const path of [plan, `${plan}/rows`]) expect((await call('GET', path, { as: LOUD })).body.code).toBe('E_RESTORE_UNKNOWN')
    expect((await call('POST', `${plan}/apply`, { as: LOUD, body: { hash } })).body.code).toBe('E_RESTORE_UNKNOWN')
    const applied = await call('POST', `${plan}/apply`, { as: ACME, body: { hash, by: 'ada' } })
    await done(applied.body.id)
    expect(await rig.database.count({ table: 'customer' }, `name = 'bad'`)).toBe(1)
    const history = async (as: string) =>
      ((await call('GET', '/restore-history', { as })).body.restores as unknown as { restoreId: string }[]).map(({ restoreId }) => restoreId)
    expect(await history(ACME)).toEqual([applied.body.id])
    expect(await history(LOUD)).toEqual([])
    for (const what of ['undo', 'replay'])
      expect((await call('POST', `/restores/${applied.body.id}/${what}`, { as: LOUD, body: {} })).body.code).toBe('E_RESTORE_UNKNOWN')
    const undone = await call('POST', `/restores/${applied.body.id}/undo`, { as: ACME, body: {} })
    await done(undone.body.id)
    expect(await rig.database.image()).toEqual(live)
    expect((await call('POST', `/restore-plans?targetScope=${encodeURIComponent(ODD)}`, { as: ACME, body: { snapshot: mine } })).status).toBe(403)
  })

  it('takes one idempotency key of two tenants for two', async () => {
    const key = { 'idempotency-key': 'nightly-0000-0001' }
    const [first, again, other] = [await backUp(ACME, key), await backUp(ACME, key), await backUp(LOUD, key)]
    expect(again).toBe(first)
    expect(other).not.toBe(first)
  })

  it('lets rows go to another tenant when both may be', async () => {
    const path = `/restores?targetScope=${encodeURIComponent(ODD)}`
    const body = { snapshot: mine, dryRun: true }
    asked.length = 0
    expect((await call('POST', path, { as: ACME, body })).status).toBe(403)
    expect(asked.map(({ scope }) => scope)).toEqual([ACME, ODD])
    expect((await call('POST', path, { as: ODD, scope: ACME, body })).status).toBe(403)
    expect((await call('POST', `/restores?targetScope=${ODD}&targetScope=${ACME}`, { as: ACME, body })).status).toBe(400)
    expect((await call('POST', '/restores', { as: ACME, body: { ...body, targetScope: ODD } })).body.code).toBe('E_REQUEST')
    expect((await call('POST', '/restores', { as: ACME, body: { ...body, scope: LOUD } })).body.code).toBe('E_REQUEST')
  })

  it('is served where that is asked for, and decided by somebody', async () => {
    const other = Fastify()
    await other.register(holdfastPlugin, { holdfast: rig.holdfast })
    await other.register(holdfastRoutes, { prefix: PREFIX, authorize: () => true, control: true })
    const answer = await other.inject({ method: 'GET', url: `${PREFIX}/snapshots?scope=${ACME}` })
    expect(answer.statusCode).toBe(403)
    expect((await other.inject({ method: 'GET', url: `${PREFIX}/snapshots` })).json()).toEqual({ snapshots: [] })
    expect((await other.inject({ method: 'GET', url: `${PREFIX}/backups/${mine}` })).statusCode).toBe(404)
    expect((await other.inject({ method: 'GET', url: `${PREFIX}/backups` })).json()).toEqual({ backups: [] })
    await other.close()
    const open = Fastify()
    await open.register(holdfastPlugin, { holdfast: rig.holdfast })
    await expect(open.register(holdfastRoutes, { publicRead: true, scopes: true })).rejects.toMatchObject({ code: 'E_CONFIG' })
    await open.close()
  })
})
