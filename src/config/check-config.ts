import { didYouMean } from '../kernel/did-you-mean.ts'
import { type ConfigProblem, configProblem } from './config-problem.ts'

const MEMBERS = ['stores', 'storage', 'encryption', 'plans', 'registrars', 'restores', 'schema', 'masking', 'hooks', 'logger', 'clock', 'close']
const BUCKET_MEMBERS = ['storage', 'prefix', 'encryption']
const LOG_METHODS = ['debug', 'info', 'warn', 'error']

/** The members of a configuration before promises and functions are resolved. */
export function checkMembers(config: object): ConfigProblem[] {
  const { logger, clock, close } = config as Readonly<Record<string, unknown>>
  const problems = strangers('', config, MEMBERS)
  if (logger !== undefined && !LOG_METHODS.every((name) => isMethod(logger, name)))
    problems.push(configProblem('logger', logger, `an object with ${LOG_METHODS.join(', ')}, as pino's`))
  if (clock !== undefined && !isMethod(clock, 'now')) problems.push(configProblem('clock', clock, 'an object with now()'))
  if (close !== undefined && typeof close !== 'function') problems.push(configProblem('close', close, 'a function'))
  return problems
}

export function checkStores(stores: unknown): ConfigProblem[] {
  const expected = 'an entity store: typeormStore(dataSource) or mikroOrmStore(orm)'
  if (!Array.isArray(stores) || stores.length === 0) return [configProblem('stores', stores, `a list with at least one of: ${expected.slice(17)}`)]
  return stores.flatMap((store: unknown, n) =>
    isMethod(store, 'openView') && isMethod(store, 'describe') ? [] : [configProblem(`stores[${n}]`, store, expected)],
  )
}

export function checkStorage(storage: unknown): ConfigProblem[] {
  const expected = "a storage adapter, for example fsStorage({ root: './backups' })"
  if (isAdapter(storage)) return []
  if (!isRecord(storage) || Object.keys(storage).length === 0) return [configProblem('storage', storage, `${expected}, or buckets by name`)]
  return Object.entries(storage).flatMap(([name, bucket]) => {
    const path = `storage.${name}`
    if (isAdapter(bucket)) return []
    if (!isRecord(bucket)) return [configProblem(path, bucket, `${expected}, or { storage, prefix }`)]
    const problems = strangers(`${path}.`, bucket, BUCKET_MEMBERS)
    if (!isAdapter(bucket.storage)) problems.push(configProblem(`${path}.storage`, bucket.storage, expected))
    if (bucket.prefix !== undefined && typeof bucket.prefix !== 'string')
      problems.push(configProblem(`${path}.prefix`, bucket.prefix, 'a text that ends with a slash'))
    return problems
  })
}

export function checkPlans(plans: unknown): ConfigProblem[] {
  if (plans === undefined) return []
  if (!Array.isArray(plans)) return [configProblem('plans', plans, 'a list of plans: [definePlan({ … })]')]
  return plans.flatMap((plan: unknown, n) =>
    isRecord(plan) && 'id' in plan && 'entities' in plan ? [] : [configProblem(`plans[${n}]`, plan, 'a plan: definePlan({ … })')],
  )
}

export function checkRegistrars(registrars: unknown): ConfigProblem[] {
  if (registrars === undefined) return []
  const expected = 'a registrar: { moduleName, register(registry), describe() }'
  if (!Array.isArray(registrars)) return [configProblem('registrars', registrars, `a list, each member ${expected}`)]
  return registrars.flatMap((registrar: unknown, n) =>
    isMethod(registrar, 'register') && isMethod(registrar, 'describe') ? [] : [configProblem(`registrars[${n}]`, registrar, expected)],
  )
}

function strangers(path: string, object: object, known: readonly string[]): ConfigProblem[] {
  return Object.entries(object)
    .filter(([name]) => !known.includes(name))
    .map(([name, value]) => {
      const near = didYouMean(name, known)
      return configProblem(`${path}${name}`, value, near === null ? `no such member, only ${known.join(', ')}` : `no such member; did you mean ${near}?`)
    })
}

function isAdapter(value: unknown): boolean {
  return isRecord(value) && 'capabilities' in value && isMethod(value, 'put')
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isMethod(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Readonly<Record<string, unknown>>)[name] === 'function'
}
