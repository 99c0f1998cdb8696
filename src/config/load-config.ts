import { basename } from 'node:path'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { HoldfastOptions } from '../holdfast.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { checkMembers, checkPlans, checkRegistrars, checkStorage, checkStores } from './check-config.ts'
import { configInvalid, type ConfigProblem, configProblem } from './config-problem.ts'
import type { ConfigFacts, HoldfastConfig, Later } from './define-config.ts'
import { importConfig } from './import-config.ts'

/** A configuration with nothing left to wait for. */
export interface LoadedConfig {
  readonly path: string
  readonly options: HoldfastOptions
  /** The configuration's own `close`; nothing when it has none. */
  close(): Promise<void>
}

/**
 * Imports a configuration file, calls and awaits what it holds, and checks it.
 *
 * @throws `E_CONFIG` with every problem; `E_STORE_FAILED` when a database cannot be reached; what the stores and storages throw themselves. The
 * configuration's `close` has been called then.
 */
export async function loadConfig(path: string, facts: ConfigFacts): Promise<LoadedConfig> {
  const file = basename(path)
  const exported = await importConfig(path)
  const config: unknown = await settled(file, 'the configuration function', typeof exported === 'function' ? () => exported(facts) as unknown : exported)
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw configInvalid(file, [configProblem('default export', config, 'defineConfig({ stores, storage, plans }), or a function that gives it')])
  const { close: closing } = config as HoldfastConfig
  const close = async () => {
    if (typeof closing === 'function') await closing.call(config)
  }
  try {
    return { path, options: await resolved(file, config as HoldfastConfig), close }
  } catch (error) {
    await close().catch(() => {}) // the first error is the one to know
    throw error
  }
}

async function resolved(file: string, config: HoldfastConfig): Promise<HoldfastOptions> {
  const problems: ConfigProblem[] = checkMembers(config)
  const [stores, storage, encryption, plans, registrars] = await allOf([
    settled(file, 'stores', config.stores).then((listed) =>
      Array.isArray(listed) ? allOf((listed as readonly Later<EntityStore>[]).map((store, n) => settled(file, `stores[${n}]`, store))) : listed,
    ),
    settled(file, 'storage', config.storage),
    settled(file, 'encryption', config.encryption),
    settled(file, 'plans', config.plans),
    settled(file, 'registrars', config.registrars),
  ])
  problems.push(...checkStores(stores), ...checkStorage(storage), ...checkPlans(plans), ...checkRegistrars(registrars))
  if (problems.length > 0) throw configInvalid(file, problems)
  const { logger, clock, schema, masking, hooks, restores } = config
  return {
    stores: stores as readonly EntityStore[],
    storage,
    ...(encryption === undefined ? {} : { encryption }),
    ...(plans === undefined ? {} : { plans }),
    ...(registrars === undefined ? {} : { registrars }),
    ...(restores === undefined ? {} : { restores }),
    ...(masking === undefined ? {} : { masking }),
    ...(schema === undefined ? {} : { schema }),
    ...(hooks === undefined ? {} : { hooks }),
    ...(logger === undefined ? {} : { logger }),
    ...(clock === undefined ? {} : { clock }),
  }
}

/** Calls and awaits a part. What it throws is a HoldfastError already, or becomes one that names the part. */
async function settled<T>(file: string, path: string, later: Later<T>): Promise<T> {
  try {
    return await (typeof later === 'function' ? (later as () => T | Promise<T>)() : later)
  } catch (error) {
    if (error instanceof Error && error.name === 'HoldfastError') throw error
    const text = error instanceof Error && error.message !== '' ? error.message : String(error)
    // Drivers put a code on what the database or the network answered; an error of the file's own code has none, or one of Node's.
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const ofDatabase = path.startsWith('stores') && typeof code === 'string' && !code.startsWith('ERR_')
    throw new HoldfastError(ofDatabase ? 'E_STORE_FAILED' : 'E_CONFIG', `${file}: ${path} failed: ${text}`, {
      ...(ofDatabase ? {} : { hint: 'The error is thrown by the code of the configuration; --verbose shows where.' }),
      cause: error,
    })
  }
}

/** Waits for all of them before it throws: what one of them opened must be there to be closed. */
async function allOf<const T extends readonly unknown[]>(parts: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const outcomes = await Promise.allSettled(parts)
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure) throw failure.reason
  return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : undefined)) as { -readonly [K in keyof T]: Awaited<T[K]> }
}
