import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast } from '../../src/holdfast.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { definePlan } from '../../src/plan/index.ts'
import { type Access, type Authorize, holdfastPlugin, holdfastRoutes, type HoldfastRoutesOptions, OPERATIONS, type Verdict } from '../../web/fastify/index.ts'
import { byRole, fastifyRig, type FastifyRig, PREFIX } from '../support/fastify-rig.ts'
import { SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const plan = definePlan({ id: 'shop', description: 'Orders and all they need', entities: SHOP_ENTITIES })
const makeHoldfast = () => createHoldfast({ stores: [shopStore(5)], storage: memoryStorage(), plans: [plan] })

async function register(options: object): Promise<FastifyInstance> {
  const app = Fastify()
  closing.push(() => app.close())
  await app.register(holdfastPlugin, { holdfast: await makeHoldfast(), closeHoldfast: true })
  await app.register(holdfastRoutes, options as HoldfastRoutesOptions)
  return app
}

async function rigWith(routes: HoldfastRoutesOptions): Promise<FastifyRig> {
  const rig = await fastifyRig({ store: shopStore(5), routes })
  closing.push(rig.close)
  return rig
}

/** The paths of the rig, with an id that is well-formed and unknown. */
const paths = (rig: FastifyRig) => rig.routes.map(({ method, url }) => ({ method, path: url.slice(PREFIX.length).replace(':id', uuidv7()) }))

describe('registering the routes', () => {
  it.each([
    ['nothing at all', {}, '`authorize` is missing'],
    ['control without authorize', { control: true }, '`control` is on, but there is no `authorize`'],
    ['control without authorize, reading being public', { control: true, publicRead: true }, '`control` is on, but there is no `authorize`'],
    ['two answers to one question', { authorize: byRole, publicRead: true }, '`publicRead` contradicts `authorize`'],
    ['an authorize that cannot be asked', { authorize: 'admin' }, '`authorize` is a string; expected a function'],
    ['a flag that is none', { authorize: byRole, control: 'yes' }, '`control` is a string; expected true or false'],
    ['a misspelt option', { authorise: byRole, publicRead: true }, '`authorise` is no option'],
    ['a misspelt option inside another', { authorize: byRole, events: { heartbeat: 5 } }, '`events.heartbeat` is no option'],
    ['more events than promised', { authorize: byRole, events: { intervalMs: 100 } }, '`events.intervalMs` is 100; expected a whole number from 250 to 60000'],
    ['no clients', { authorize: byRole, events: { maxClients: 0 } }, '`events.maxClients` is 0; expected a whole number from 1 to 100000'],
    ['an age that is none', { authorize: byRole, health: { maxAgeMs: { shop: '1d' } } }, '`health.maxAgeMs.shop` is a string; expected a whole number'],
    ['tags that are none', { authorize: byRole, openapi: { tags: 'x' } }, '`openapi.tags` is a string; expected a list of texts'],
  ])('refuses %s', async (_what, options, message) => {
    await expect(register(options)).rejects.toMatchObject({ code: 'E_CONFIG', message: expect.stringContaining(message) as string })
  })

  it('refuses a plan that nobody knows', async () => {
    await expect(register({ authorize: byRole, health: { maxAgeMs: { shpo: 1000 } } })).rejects.toMatchObject({ code: 'E_PLAN_UNKNOWN' })
  })

  it('refuses to serve what is not there', async () => {
    const app = Fastify()
    closing.push(() => app.close())
    await expect(app.register(holdfastRoutes, { authorize: byRole })).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining('`fastify.holdfast` is missing') as string,
    })
    await expect(Fastify().register(holdfastPlugin, {} as never)).rejects.toMatchObject({ code: 'E_CONFIG' })
  })

  it('serves nothing that changes something unless told to', async () => {
    const rig = await rigWith({ control: false })
    expect(rig.routes.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([])
    expect(rig.routes.some(({ url }) => url.endsWith('/diagnostics'))).toBe(true)
    expect((await rig.request('POST', '/backups', { body: { plan: 'shop' } })).status).toBe(404)
  })
})

describe('every route', () => {
  const seen: Access[] = []
  let rig: FastifyRig
  let answer: () => unknown = () => false
  const authorize: Authorize = (_request, _reply, access) => {
    seen.push(access)
    return answer() as Verdict
  }

  beforeAll(async () => {
    rig = await fastifyRig({ store: shopStore(5), routes: { authorize } })
  })
  afterAll(() => rig.close())

  it('is one of the operations, each of which has its route', async () => {
    seen.length = 0
    for (const { method, path } of paths(rig).filter((route) => route.method !== 'HEAD')) await rig.request(method, path)
    expect(seen.map(({ operation }) => operation).sort()).toEqual(Object.keys(OPERATIONS).sort())
    for (const { operation, action } of seen) expect(action).toBe(OPERATIONS[operation].action)
  })

  it('takes the right to control where it changes something', () => {
    const changing = rig.routes.filter(({ method }) => !['GET', 'HEAD'].includes(method)).length
    const controlling = Object.values(OPERATIONS).filter(({ action }) => action === 'control').length
    expect(controlling).toBe(changing + 3) // and the diagnostics and the rows of a plan, which name records, and exports, which give them
  })

  it.each([
    ['false', (): unknown => false, 403, 'E_FORBIDDEN'],
    ['unauthenticated', (): unknown => 'unauthenticated', 401, 'E_UNAUTHENTICATED'],
    ['nothing', (): unknown => undefined, 403, 'E_FORBIDDEN'],
    ['something truthy', (): unknown => 'yes', 403, 'E_FORBIDDEN'],
    ['a promise of false', (): unknown => Promise.resolve(false), 403, 'E_FORBIDDEN'],
    ['a failure', (): unknown => Promise.reject(new Error('the user directory is down: ldap://admin:hunter2@x')), 403, 'E_FORBIDDEN'],
    ['a refusal by exception', (): unknown => Promise.reject(Object.assign(new Error('no'), { statusCode: 401 })), 401, 'E_UNAUTHENTICATED'],
  ] as const)('is refused when authorize answers with %s', async (_what, given, status, code) => {
    answer = given
    for (const { method, path } of paths(rig)) {
      const refused = await rig.request(method, path, { body: method === 'GET' || method === 'HEAD' ? undefined : '{ no JSON' })
      expect(refused.status, `${method} ${path}`).toBe(status)
      if (method !== 'HEAD') expect(refused.body, `${method} ${path}`).toMatchObject({ code, retryable: false, hint: expect.any(String) as string })
      expect(JSON.stringify(refused.body)).not.toContain('hunter2')
    }
    expect(rig.holdfast.backups.sessions()).toEqual([])
  })
})

describe('rights', () => {
  it('come from the request: nobody, readers and operators', async () => {
    const rig = await rigWith({})
    const unknown = await rig.request('GET', '/plans', { as: null })
    expect(unknown.status).toBe(401)
    expect(unknown.headers.get('www-authenticate')).toBe('Bearer')
    expect((await rig.request('GET', '/plans', { as: 'reader' })).status).toBe(200)
    expect((await rig.request('POST', '/backups', { as: 'reader', body: { plan: 'shop' } })).status).toBe(403)
    expect((await rig.request('POST', '/backups', { body: { plan: 'shop' } })).status).toBe(202)
  })

  it('are asked after the hooks of the application, which may say who the caller is', async () => {
    const rig = await fastifyRig({
      store: shopStore(5),
      routes: { authorize: (request) => (request as { user?: string }).user === 'ann' },
      before: async (app) => {
        app.decorateRequest('user', '')
        app.addHook('onRequest', async (request) => void Object.assign(request, { user: request.headers.authorization === 'Bearer secret' ? 'ann' : 'nobody' }))
      },
    })
    closing.push(rig.close)
    expect((await rig.request('GET', '/plans', { as: 'secret' })).status).toBe(200)
    expect((await rig.request('GET', '/plans', { as: 'guess' })).status).toBe(403)
  })

  it('are not asked for when reading is public, which shows neither tokens nor diagnostics', async () => {
    const app = await register({ publicRead: true })
    const { holdfast } = app
    const session = await holdfast.backups.start('shop')
    await session.pause().catch(() => {})
    for (const url of ['/plans', '/inventory', '/backups', `/backups/${session.id}`, '/sessions', '/snapshots', '/restores', '/health']) {
      const response = await app.inject(url)
      expect(response.statusCode, url).toBe(200)
      expect(response.body, url).not.toContain(session.token)
    }
    expect((await app.inject(`/restores/${session.id}/diagnostics`)).statusCode).toBe(404)
    expect((await app.inject({ method: 'POST', url: '/backups', payload: { plan: 'shop' } })).statusCode).toBe(404)
  })

  it('hold for these routes alone', async () => {
    const rig = await fastifyRig({
      store: shopStore(5),
      before: async (app) => {
        app.post(
          '/own',
          { schema: { body: { type: 'object', additionalProperties: false, properties: { a: { type: 'number' } } } } },
          (request) => request.body,
        )
        app.get('/broken', () => Promise.reject(new Error('our own')))
      },
    })
    closing.push(rig.close)
    // Fastify's own ways, untouched: strangers dropped, texts turned into numbers, errors as it gives them.
    expect((await rig.app.inject({ method: 'POST', url: '/own', payload: { a: '1', b: 2 } })).json()).toEqual({ a: 1 })
    expect((await rig.app.inject('/broken')).json()).toMatchObject({ message: 'our own', statusCode: 500 })
  })
})
