import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { type HoldfastRoutesOptions, OPERATIONS } from '../../web/fastify/index.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { byRole, fastifyRig, type FastifyRig, PREFIX, until } from '../support/fastify-rig.ts'
import { shopStore } from '../support/shop-store.ts'

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function rigWith(routes: HoldfastRoutesOptions = {}, storage = memoryStorage()): Promise<FastifyRig> {
  const rig = await fastifyRig({ store: shopStore(50), storage, routes })
  closing.push(rig.close)
  return rig
}

async function backUp(rig: FastifyRig): Promise<string> {
  const { body } = await rig.request('POST', '/backups', { body: { plan: 'shop' } })
  await rig.holdfast.backups.session(body.id!)!.result()
  return body.id!
}

describe('load limits', () => {
  it('of a plan are listed, those of one run are taken, and progress says what is waited for', async () => {
    const rig = await rigWith()
    const { body: list } = await rig.request('GET', '/plans')
    expect(list.plans).toMatchObject([{ policy: { source: { maxRowsPerSecond: null, pauseWhen: false, checkEveryMs: 5000 } } }])
    const { status, body } = await rig.request('POST', '/backups', { body: { plan: 'shop', source: { maxRowsPerSecond: 1, maxBytesPerSecond: 1024 } } })
    expect(status).toBe(202)
    expect(body.progress).toMatchObject({ waiting: null, warnings: [] })
    // At a row a second it would run for a minute.
    const { body: paused } = await rig.request('POST', `/backups/${body.id}/pause`)
    expect(paused.state).toBe('paused')
    expect((await rig.request('POST', '/backups/resume', { body: { token: paused.token, source: { maxRowsPerSecond: 1_000_000 } } })).status).toBe(202)
    await rig.holdfast.backups.session(body.id!)!.result()
  })
})

describe('requests that are not as the routes take them', () => {
  let rig: FastifyRig
  const id = uuidv7()
  beforeAll(async () => {
    rig = await fastifyRig({ store: shopStore(5) })
  })
  afterAll(() => rig.close())

  it.each([
    ['no body', 'POST', '/backups', undefined, 'body'],
    ['a body that is no object', 'POST', '/backups', [], 'body'],
    ['an unknown member', 'POST', '/backups', { plan: 'shop', dryRun: true }, 'body'],
    ['a number for a text', 'POST', '/backups', { plan: 7 }, 'body'],
    ['a rate of nothing', 'POST', '/backups', { plan: 'shop', source: { maxRowsPerSecond: 0 } }, 'body'],
    ['a limit that there is not', 'POST', '/backups', { plan: 'shop', source: { pauseWhen: 'night' } }, 'body'],
    ['metadata that is no text', 'POST', '/backups', { plan: 'shop', metadata: { a: 1 } }, 'body'],
    ['too much metadata', 'POST', '/backups', { plan: 'shop', metadata: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`m${n}`, ''])) }, 'body'],
    ['a token with more beside it', 'POST', '/backups/resume', { token: 'x', force: true }, 'body'],
    ['a text for a flag', 'POST', '/backups/resume', { token: 'x', takeover: 'true' }, 'body'],
    ['a body for a route that takes none', 'POST', `/backups/${id}/cancel`, { now: true }, 'body'],
    ['a body for a pause', 'POST', `/backups/${id}/pause`, { token: 'x' }, 'body'],
    ['a misspelt dry run', 'POST', '/restores', { snapshot: id, dryrun: true, confirm: id }, 'body'],
    ['a text for a dry run', 'POST', '/restores', { snapshot: id, dryRun: 'true', confirm: id }, 'body'],
    ['a policy that is none', 'POST', '/restores', { snapshot: id, policy: 'force', confirm: id }, 'body'],
    ['no entities', 'POST', '/restores', { snapshot: id, entities: [], confirm: id }, 'body'],
    ['a snapshot that is no id', 'POST', '/restores', { snapshot: '../../x', confirm: '../../x' }, 'body'],
    ['no reason', 'DELETE', `/snapshots/${id}`, {}, 'body'],
    ['an empty reason', 'DELETE', `/snapshots/${id}`, { reason: '  ' }, 'body'],
    ['an id that is none', 'GET', '/backups/7', undefined, 'params'],
    ['an id in capitals', 'GET', `/snapshots/${id.toUpperCase()}`, undefined, 'params'],
    ['a path for an id', 'GET', '/restores/..%2F..%2Fetc%2Fpasswd', undefined, 'params'],
    ['an unknown query', 'GET', '/snapshots?limt=5', undefined, 'querystring'],
    ['no snapshots at all', 'GET', '/snapshots?limit=0', undefined, 'querystring'],
    ['a limit that is no number', 'GET', '/snapshots?limit=ten', undefined, 'querystring'],
    ['two limits', 'GET', '/snapshots?limit=1&limit=2', undefined, 'querystring'],
    ['a token in the URL', 'GET', '/sessions?token=abc', undefined, 'querystring'],
    ['a level that is none', 'POST', `/snapshots/${id}/verify?level=full`, undefined, 'querystring'],
  ] as const)('%s: 400', async (_what, method, path, body, part) => {
    const refused = await rig.request(method, path, { body })
    expect(refused).toMatchObject({ status: 400, body: { code: 'E_REQUEST', retryable: false, details: { part } } })
    expect(Object.keys(refused.body).sort()).toEqual(['code', 'details', 'hint', 'message', 'retryable'])
    expect(rig.holdfast.backups.sessions()).toEqual([])
  })

  it('names every part at fault, and no values', async () => {
    const { body } = await rig.request('POST', '/restores', { body: { snapshot: 's3cret', dryRun: 's3cret', stranger: 's3cret' } })
    expect(body.details!.problems).toEqual([
      { path: '', problem: 'has unknown members: "stranger"' },
      { path: '/snapshot', problem: expect.any(String) as string },
      { path: '/dryRun', problem: expect.any(String) as string },
    ])
    expect(JSON.stringify(body)).not.toContain('s3cret')
  })

  it.each([
    ['GET', '/backups/7', 'The path is not as this route takes it: id must be a UUID in lower case.'],
    ['GET', '/snapshots?limt=5', 'The query is not as this route takes it: it has unknown members: "limt".'],
    ['GET', '/snapshots?limit=0', 'The query is not as this route takes it: limit must be >= 1.'],
  ] as const)('%s %s is told in words that a caller knows', async (method, path, message) => {
    expect((await rig.request(method, path)).body).toMatchObject({ message })
  })

  it.each([
    ['GET', `/backups/${id}`, undefined, 'E_SESSION_UNKNOWN'],
    ['POST', `/backups/${id}/pause`, undefined, 'E_SESSION_UNKNOWN'],
    ['POST', `/backups/${id}/cancel`, undefined, 'E_SESSION_UNKNOWN'],
    ['GET', `/snapshots/${id}`, undefined, 'E_SNAPSHOT_UNKNOWN'],
    ['DELETE', `/snapshots/${id}`, { reason: 'x' }, 'E_SNAPSHOT_UNKNOWN'],
    ['POST', `/snapshots/${id}/verify`, undefined, 'E_SNAPSHOT_UNKNOWN'],
    ['POST', '/restores', { snapshot: id, confirm: id }, 'E_SNAPSHOT_UNKNOWN'],
    ['GET', `/restores/${id}`, undefined, 'E_SESSION_UNKNOWN'],
    ['GET', `/restores/${id}/diagnostics`, undefined, 'E_SESSION_UNKNOWN'],
    ['POST', `/restores/${id}/cancel`, undefined, 'E_SESSION_UNKNOWN'],
    ['POST', '/backups', { plan: 'shpo' }, 'E_PLAN_UNKNOWN'],
    ['GET', '/snapshots?plan=shpo', undefined, 'E_PLAN_UNKNOWN'],
  ] as const)('%s %s of something unknown: 404', async (method, path, body, code) => {
    expect(await rig.request(method, path, { body })).toMatchObject({ status: 404, body: { code, retryable: false } })
  })
})

describe('backups', () => {
  it('are started once for one idempotency key', async () => {
    const rig = await rigWith()
    const start = (key: string, body: unknown = { plan: 'shop' }) => rig.request('POST', '/backups', { body, headers: { 'idempotency-key': key } })
    const [first, second] = await Promise.all([start('monday'), start('monday')])
    expect(second).toMatchObject({ status: 202, body: { id: first.body.id, token: first.body.token } })
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    await rig.holdfast.backups.session(first.body.id!)!.result()
    expect(await start('monday')).toMatchObject({ status: 202, body: { id: first.body.id, state: 'done' } })
    expect((await start('tuesday')).body.id).not.toBe(first.body.id)
    expect(await start('monday', { plan: 'shop', metadata: { other: 'yes' } })).toMatchObject({ status: 400, body: { code: 'E_REQUEST' } })
    expect(await start('a key with spaces')).toMatchObject({ status: 400, body: { details: { part: 'headers' } } })
    expect((await rig.request('GET', '/backups')).body).toHaveProperty('backups.length', 2)
  })

  it('are cancelled for good', async () => {
    const store = shopStore(50)
    const gate = Promise.withResolvers<void>()
    store.step = ({ call }) => (call === 'read' ? gate.promise : undefined)
    const rig = await fastifyRig({ store })
    closing.push(rig.close)
    const { id, token } = (await rig.request('POST', '/backups', { body: { plan: 'shop' } })).body
    expect(await rig.request('POST', '/backups/resume', { body: { token } })).toMatchObject({ status: 409, body: { code: 'E_SESSION_FENCED' } })
    const cancelling = rig.request('POST', `/backups/${id}/cancel`)
    gate.resolve()
    expect(await cancelling).toMatchObject({ status: 200, body: { id, state: 'cancelled', result: null, error: null } })
    expect(await rig.request('POST', '/backups/resume', { body: { token } })).toMatchObject({ status: 409, body: { code: 'E_SESSION_CLOSED' } })
    expect((await rig.request('GET', '/snapshots')).body.snapshots).toEqual([])
    const forged = `${token!.slice(0, -2)}xx`
    const refused = await rig.request('POST', '/backups/resume', { body: { token: forged } })
    expect(refused).toMatchObject({ status: 400, body: { code: 'E_TOKEN_INVALID' } })
    expect(JSON.stringify(refused.body)).not.toContain(forged)
  })

  it('that are complete cannot be cancelled, and paused only into their result', async () => {
    const rig = await rigWith()
    const id = await backUp(rig)
    expect(await rig.request('POST', `/backups/${id}/cancel`)).toMatchObject({ status: 409, body: { code: 'E_SESSION_CLOSED' } })
    expect(await rig.request('POST', `/backups/${id}/pause`)).toMatchObject({ status: 200, body: { id, state: 'done' } })
  })

  it('that failed say why', async () => {
    const store = shopStore(50)
    store.step = ({ call }) => {
      if (call === 'read') throw new HoldfastError('E_STORE_FAILED', 'the database went away', { cause: new Error('password=hunter2') })
    }
    const rig = await fastifyRig({ store })
    closing.push(rig.close)
    const { id } = (await rig.request('POST', '/backups', { body: { plan: 'shop' } })).body
    await until('it failed', async () => (await rig.request('GET', `/backups/${id}`)).body.state === 'failed')
    const failed = await rig.request('GET', `/backups/${id}`, { as: 'reader' })
    expect(failed.body).toMatchObject({ state: 'failed', result: null, error: { code: 'E_STORE_FAILED', message: 'the database went away', retryable: true } })
    expect(JSON.stringify(failed.body)).not.toContain('hunter2')
  })
})

describe('health', () => {
  it('is good as long as every plan with a greatest age has a snapshot young enough', async () => {
    const storage = memoryStorage()
    const rig = await rigWith({ health: { maxAgeMs: { shop: 3_600_000 } } }, storage)
    expect(await rig.request('GET', '/health', { as: 'reader' })).toMatchObject({
      status: 503,
      body: { healthy: false, plans: [{ plan: 'shop', snapshotId: null, ageMs: null, maxAgeMs: 3_600_000, healthy: false }] },
    })
    const id = await backUp(rig)
    const good = await rig.request('GET', '/health')
    expect(good).toMatchObject({ status: 200, body: { healthy: true, plans: [{ plan: 'shop', snapshotId: id, healthy: true }] } })
    expect((await rig.request('HEAD', '/health')).status).toBe(200)

    const strict = await rigWith({ health: { maxAgeMs: { shop: 1 } } }, storage)
    await until('it is old', async () => (await strict.request('GET', '/health')).status === 503)
    expect((await strict.request('GET', '/health')).body).toMatchObject({ healthy: false, plans: [{ snapshotId: id, healthy: false }] })
  })

  it('is an error when the storage cannot be read', async () => {
    const storage = new FaultyStorage(memoryStorage())
    const rig = await rigWith({}, storage)
    await backUp(rig)
    storage.script = ({ method }) => (method === 'list' ? { kind: 'error', when: 'before' } : undefined)
    const broken = await rig.request('GET', '/health')
    expect(broken.status).toBe(503)
    expect(broken.body).toMatchObject({ code: 'E_STORAGE', retryable: true })
    storage.script = () => undefined
    expect((await rig.request('GET', '/health')).status).toBe(200)
  })
})

describe('a verification', () => {
  const hanging = async () => {
    const storage = new FaultyStorage(memoryStorage())
    const errors: unknown[] = []
    const before = async (app: FastifyInstance) => void app.addHook('onError', async (_request, _reply, error) => void errors.push(error))
    const rig = await fastifyRig({ store: shopStore(50), storage, before })
    closing.push(rig.close)
    const id = await backUp(rig)
    const hung = Promise.withResolvers<void>()
    storage.script = ({ method, key }) => {
      if (method !== 'get' || !key.includes('/chunks/')) return undefined
      hung.resolve()
      return { kind: 'hang' }
    }
    return { rig, errors, path: `/snapshots/${id}/verify`, hung: hung.promise }
  }

  it('stops when the server closes, which does not wait for it', async () => {
    const { rig, path, hung } = await hanging()
    const verifying = rig.request('POST', path)
    await hung
    const closed = rig.close()
    expect(await verifying).toMatchObject({ status: 503, body: { code: 'E_ABORTED', retryable: true } })
    await closed
  })

  it('stops when its client leaves', async () => {
    const { rig, errors, path, hung } = await hanging()
    const client = new AbortController()
    const left = fetch(rig.base + path, { method: 'POST', headers: { authorization: 'Bearer operator' }, signal: client.signal }).catch(
      (error: unknown) => error,
    )
    await hung
    client.abort()
    expect(await left).toMatchObject({ name: 'AbortError' })
    await until('the work was given up', () => errors.length > 0)
    expect(errors).toMatchObject([{ code: 'E_ABORTED' }])
  })
})

describe('the OpenAPI document', () => {
  type Document = { paths: Record<string, Record<string, OpenApiOperation>> }
  interface OpenApiOperation {
    operationId?: string
    summary?: string
    tags?: string[]
    responses: Record<string, { content?: Record<string, { schema?: { properties?: Record<string, unknown>; anyOf?: unknown[] } }> }>
  }

  const documentOf = async (openapi: HoldfastRoutesOptions['openapi']) => {
    const rig = await fastifyRig({
      store: shopStore(5),
      routes: { openapi, authorize: byRole },
      before: async (app) => {
        await app.register(swagger, { openapi: {} })
      },
    })
    closing.push(rig.close)
    return { rig, document: rig.app.swagger() as unknown as Document }
  }

  it('has every route, with its operation, its answers and its errors', async () => {
    const { rig, document } = await documentOf({ tags: ['backups'] })
    const served = rig.routes.filter(({ method, url }) => method !== 'HEAD' && url.startsWith(PREFIX))
    const operations = served.map(({ method, url }) => {
      const operation = document.paths[url.replace(/:(\w+)/, '{$1}')]?.[method.toLowerCase()]
      expect(operation, `${method} ${url}`).toBeDefined()
      return { route: `${method} ${url}`, operation: operation! }
    })
    expect(operations.map(({ operation }) => String(operation.operationId)).sort()).toEqual(Object.keys(OPERATIONS).sort())
    for (const { route, operation } of operations) {
      expect(operation.summary, route).toMatch(/^[A-Z]/)
      expect(operation.tags, route).toEqual(['backups'])
      const success = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'))
      expect(success.length, route).toBeGreaterThan(0)
      expect(
        success.some(([status, { content }]) => status === '204' || Object.values(content ?? {}).some(({ schema }) => schema)),
        route,
      ).toBe(true)
      for (const status of ['4XX', '5XX']) {
        const schema = operation.responses[status]?.content?.['application/json']?.schema
        expect(Object.keys(schema?.properties ?? {}), `${route} ${status}`).toEqual(['code', 'message', 'hint', 'details', 'retryable'])
      }
    }
    expect(Object.keys(document.paths[`${PREFIX}/health`]!.get!.responses)).toContain('503')
    expect(Object.keys(document.paths[`${PREFIX}/backups/{id}/events`]!.get!.responses['200']!.content!)).toEqual(['text/event-stream'])
  })

  it('can be without them', async () => {
    const { document } = await documentOf({ hide: true })
    expect(Object.keys(document.paths)).toEqual([])
  })
})

describe('closing', () => {
  it('leaves the Holdfast open unless told otherwise', async () => {
    const rig = await fastifyRig({ store: shopStore(50), closeHoldfast: false })
    const { id } = (await rig.request('POST', '/backups', { body: { plan: 'shop' } })).body
    await rig.close()
    expect(await rig.holdfast.backups.session(id!)!.result()).toMatchObject({ snapshotId: id })
    await rig.holdfast.close()
  })
})
