import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { EntityStore, StorageAdapter } from '../../src/contracts/index.ts'
import { createHoldfast, type Holdfast } from '../../src/holdfast.ts'
import { definePlan } from '../../src/plan/index.ts'
import type { NamedRestore } from '../../src/restore/index.ts'
import { type Authorize, holdfastPlugin, holdfastRoutes, type HoldfastRoutesOptions } from '../../web/fastify/index.ts'
import { SHOP_ENTITIES } from './shop-store.ts'

export const PREFIX = '/api/holdfast'

/** A route as Fastify registered it. */
export interface SeenRoute {
  readonly method: string
  readonly url: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The tests look into answers of many shapes; a wrong look fails the test. */
  readonly body: Json
}

/** Any JSON, to look into. */
export type Json = string & { readonly [member: string]: Json }

export interface FastifyRig {
  readonly app: FastifyInstance
  readonly holdfast: Holdfast
  readonly routes: readonly SeenRoute[]
  /** Where the server listens, with the prefix. */
  readonly base: string
  /** A request by a real client over a real connection, as `operator` unless said otherwise. */
  request(
    method: string,
    path: string,
    options?: { readonly body?: unknown; readonly as?: string | null; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Answer>
  events(path: string, options?: { readonly as?: string; readonly headers?: Readonly<Record<string, string>> }): Promise<EventClient>
  readonly close: () => Promise<void>
}

/** `operator` may do everything, `reader` may read, whoever says nothing is not known. */
export const byRole: Authorize = (request, reply, { action }) => {
  const role = request.headers.authorization?.replace('Bearer ', '')
  if (role === undefined) {
    reply.header('www-authenticate', 'Bearer')
    return 'unauthenticated'
  }
  return role === 'operator' || (role === 'reader' && action === 'read')
}

export interface FastifyRigOptions {
  readonly store: EntityStore
  readonly storage?: StorageAdapter
  readonly entities?: readonly string[]
  readonly restores?: readonly NamedRestore[]
  readonly routes?: HoldfastRoutesOptions
  readonly server?: FastifyServerOptions
  readonly closeHoldfast?: boolean
  /** Called with the application before the routes are registered. */
  readonly before?: (app: FastifyInstance) => Promise<void>
}

/** A listening server over one store, with the plan `shop`. */
export async function fastifyRig({
  store,
  storage = memoryStorage(),
  entities = SHOP_ENTITIES,
  restores = [],
  server = {},
  closeHoldfast = true,
  before,
  ...rest
}: FastifyRigOptions): Promise<FastifyRig> {
  const plan = definePlan({ id: 'shop', description: 'Orders and all they need', entities, policy: { concurrency: 1, chunkBytes: 64 * 1024 } })
  const holdfast = await createHoldfast({ stores: [store], storage, plans: [plan], restores })
  // `fetch` opens a connection in advance after one was aborted; never used, it is not idle to Node, and a server would wait for it for a minute.
  const app: FastifyInstance = Fastify({ forceCloseConnections: true, ...server })
  const routes: SeenRoute[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, url })
  })
  await before?.(app)
  await app.register(holdfastPlugin, { holdfast, closeHoldfast })
  await app.register(holdfastRoutes, { prefix: PREFIX, authorize: byRole, control: true, ...rest.routes })
  const base = (await app.listen({ port: 0, host: '127.0.0.1' })) + PREFIX

  return {
    app,
    holdfast,
    routes,
    base,
    async request(method, path, { body, as = 'operator', headers = {} } = {}) {
      const response = await fetch(base + path, {
        method,
        headers: {
          ...(as === null ? {} : { authorization: `Bearer ${as}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: (text === '' ? null : JSON.parse(text)) as Json }
    },
    events: (path, { as = 'operator', headers = {} } = {}) => openEvents(base + path, { authorization: `Bearer ${as}`, ...headers }),
    close: () => app.close(),
  }
}

export interface ServerSentEvent {
  readonly id: number
  readonly event: string
  readonly data: Json
}

export interface EventClient {
  readonly response: Response
  /** All that has come so far. */
  readonly events: ServerSentEvent[]
  readonly comments: string[]
  /** Resolves when the server ended the stream, or the client left. */
  readonly ended: Promise<void>
  leave(): void
}

/** Reads a stream of events as the standard has it, with nothing but `fetch`. */
async function openEvents(url: string, headers: Readonly<Record<string, string>>): Promise<EventClient> {
  const abort = new AbortController()
  const response = await fetch(url, { headers, signal: abort.signal })
  const events: ServerSentEvent[] = []
  const comments: string[] = []

  async function read(): Promise<void> {
    let rest = ''
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) {
      rest += decoder.decode(bytes, { stream: true })
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) take(block)
    }
  }

  function take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const))
    const comment = fields.get('')
    if (comment !== undefined) comments.push(comment)
    const data = fields.get('data')
    if (data !== undefined) events.push({ id: Number(fields.get('id')), event: fields.get('event') ?? '', data: JSON.parse(data) as Json })
  }

  const ended = read().catch((error: unknown) => {
    if (!abort.signal.aborted) throw error
  })
  return { response, events, comments, ended, leave: () => abort.abort() }
}

/** Waits for something to become true; gives up loudly. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
