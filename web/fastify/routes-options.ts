import { didYouMean } from '../../src/kernel/did-you-mean.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import type { Authorize } from './authorize.ts'

/** Options of `holdfastRoutes`, beside Fastify's own `prefix`, `logLevel` and `logSerializers`. An option that is not known is refused. */
export interface HoldfastRoutesOptions {
  /** Stands before every route. Without it the routes are refused, unless `publicRead` says that anybody may read. */
  readonly authorize?: Authorize
  /** Also serves the routes that change something: start, pause, resume, cancel, delete, verify, import, restore. Takes `authorize`. Default false. */
  readonly control?: boolean
  /** Serves the reading routes to anybody, instead of `authorize`. They give no record values and no tokens, but names of entities and tables. Default false. */
  readonly publicRead?: boolean
  /** Also serves what belongs to tenants, by `?scope=`. Takes an `authorize` that looks at the scope it is asked about. Default false: a request that names a tenant is refused. */
  readonly scopes?: boolean
  readonly openapi?: {
    /** Default `['holdfast']`. */
    readonly tags?: readonly string[]
    /** Leave the routes out of the OpenAPI document. Default false. */
    readonly hide?: boolean
  }
  readonly events?: {
    /** Least time between two progress events, in milliseconds. Default 250, which is also the least. */
    readonly intervalMs?: number
    /** Silence after which a comment is sent, in milliseconds. Default 15 000; at least 100. */
    readonly heartbeatMs?: number
    /** Event streams open at once; the next client gets 503. Default 100. */
    readonly maxClients?: number
  }
  readonly bundles?: {
    /** Bytes of a file that is uploaded; more is refused with 413. It is taken into the system's temporary folder, which has to have room for it. Default 1 GiB. */
    readonly maxBytes?: number
  }
  readonly health?: {
    /** Plan id → age of its newest snapshot, in milliseconds, above which `GET /health` answers 503. Default: no plan can be stale. */
    readonly maxAgeMs?: Readonly<Record<string, number>>
  }
}

/** The options with every default in place. */
export interface RoutesSettings {
  readonly authorize: Authorize | undefined
  readonly control: boolean
  readonly scopes: boolean
  readonly openapi: { readonly tags: readonly string[]; readonly hide: boolean }
  readonly events: { readonly intervalMs: number; readonly heartbeatMs: number; readonly maxClients: number }
  readonly maxUploadBytes: number
  readonly maxAgeMs: ReadonlyMap<string, number>
}

const HOSTS_OWN = ['prefix', 'logLevel', 'logSerializers']

/** @throws `E_CONFIG` naming the option; `E_PLAN_UNKNOWN` for an unknown plan in `health.maxAgeMs` */
export function routesSettings(options: HoldfastRoutesOptions, assertPlan: (id: string) => void): RoutesSettings {
  refuseStrangers('', options, ['authorize', 'control', 'publicRead', 'scopes', 'openapi', 'events', 'bundles', 'health', ...HOSTS_OWN])
  const { authorize, openapi = {}, events = {}, bundles = {}, health = {} } = options
  const control = flag('control', options.control)
  const publicRead = flag('publicRead', options.publicRead)
  if (authorize !== undefined && typeof authorize !== 'function') throw wrong('authorize', authorize, 'a function')
  if (control && !authorize)
    throw new HoldfastError('E_CONFIG', '`control` is on, but there is no `authorize`', {
      hint: 'Pass `authorize`: it decides who may start, delete and restore.',
    })
  const scopes = flag('scopes', options.scopes)
  if (scopes && !authorize)
    throw new HoldfastError('E_CONFIG', '`scopes` is on, but there is no `authorize`', { hint: 'Pass `authorize`: it decides who may see which tenant.' })
  if (!authorize && !publicRead) {
    throw new HoldfastError('E_CONFIG', '`authorize` is missing', {
      hint: 'Pass `authorize`, or say `publicRead: true` if anybody may read what the plans cover and how backups stand.',
    })
  }
  if (authorize && publicRead)
    throw new HoldfastError('E_CONFIG', '`publicRead` contradicts `authorize`, which decides about every route', { hint: 'Leave one of them out.' })
  refuseStrangers('openapi.', openapi, ['tags', 'hide'])
  refuseStrangers('events.', events, ['intervalMs', 'heartbeatMs', 'maxClients'])
  refuseStrangers('bundles.', bundles, ['maxBytes'])
  refuseStrangers('health.', health, ['maxAgeMs'])
  const tags = openapi.tags ?? ['holdfast']
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== 'string')) throw wrong('openapi.tags', tags, 'a list of texts')
  const maxAgeMs = new Map(Object.entries(health.maxAgeMs ?? {}))
  for (const [plan, age] of maxAgeMs) {
    assertPlan(plan)
    whole(`health.maxAgeMs.${plan}`, age, 1, Number.MAX_SAFE_INTEGER)
  }
  return {
    authorize,
    control,
    scopes,
    openapi: { tags, hide: flag('openapi.hide', openapi.hide) },
    events: {
      intervalMs: whole('events.intervalMs', events.intervalMs ?? 250, 250, 60_000),
      heartbeatMs: whole('events.heartbeatMs', events.heartbeatMs ?? 15_000, 100, 600_000),
      maxClients: whole('events.maxClients', events.maxClients ?? 100, 1, 100_000),
    },
    maxUploadBytes: whole('bundles.maxBytes', bundles.maxBytes ?? 1024 ** 3, 1, Number.MAX_SAFE_INTEGER),
    maxAgeMs,
  }
}

function refuseStrangers(path: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw wrong(path.slice(0, -1), options, 'an object')
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const meant = didYouMean(name, known)
    throw new HoldfastError('E_CONFIG', `\`${path}${name}\` is no option`, {
      hint: meant === null ? `There are ${known.map((option) => `\`${option}\``).join(', ')}.` : `Did you mean \`${meant}\`?`,
    })
  }
}

function flag(name: string, value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false
  throw wrong(name, value, 'true or false')
}

function whole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw wrong(name, value, `a whole number from ${least} to ${most}`)
}

function wrong(name: string, value: unknown, expected: string): HoldfastError {
  return new HoldfastError('E_CONFIG', `\`${name}\` is ${typeof value === 'number' ? value : `a ${typeof value}`}; expected ${expected}`)
}
