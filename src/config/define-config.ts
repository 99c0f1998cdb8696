import type { EntityStore } from '../contracts/entity-store.ts'
import type { HoldfastOptions } from '../holdfast.ts'
import type { BackupPlan, BackupRegistrar } from '../plan/index.ts'

/** A value, a promise of it, or a function that gives either and is called once. */
export type Later<T> = T | Promise<T> | (() => T | Promise<T>)

/** What the command line works with: the options of `createHoldfast`, and what only it needs. */
export interface HoldfastConfig {
  /** The ORM connections. A function may connect first: `async () => [typeormStore(await dataSource.initialize())]`. */
  readonly stores: Later<readonly Later<EntityStore>[]>
  /** Where backups go: one storage, or buckets by name. */
  readonly storage: Later<HoldfastOptions['storage']>
  /** As in `createHoldfast`: `async () => ({ providers: [await keyFile(env.BACKUP_KEY_FILE)] })`. */
  readonly encryption?: Later<HoldfastOptions['encryption']>
  readonly plans?: Later<readonly BackupPlan[]>
  readonly registrars?: Later<readonly BackupRegistrar[]>
  /** As in `createHoldfast`: `[defineRestore({ … })]`, for `holdfast restore --named`. */
  readonly restores?: HoldfastOptions['restores']
  /** As in `createHoldfast`: `[upcast(Order, { … })]`. */
  readonly schema?: HoldfastOptions['schema']
  /** As in `createHoldfast`: `{ key: env.MASKING_KEY, rules: [maskEntity(Customer, { … })] }`. */
  readonly masking?: HoldfastOptions['masking']
  /** As in `createHoldfast`. */
  readonly hooks?: HoldfastOptions['hooks']
  /** Default: silent; with `--verbose` the command line's own, to stderr. */
  readonly logger?: HoldfastOptions['logger']
  readonly clock?: HoldfastOptions['clock']
  /** Called once at the end, whatever happened: closes the ORM connections. */
  readonly close?: () => unknown
}

export interface ConfigFacts {
  /** The environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Name of the command that is about to run: `backup`, `list` … */
  readonly command: string
}

/** What a configuration file exports by default. */
export type ConfigExport = HoldfastConfig | ((facts: ConfigFacts) => HoldfastConfig | Promise<HoldfastConfig>)

/** Gives back what it is handed, with its type checked: `export default defineConfig({ … })` in `holdfast.config.ts`. Problems are reported when it is loaded. */
export function defineConfig<T extends ConfigExport>(config: T): T {
  return config
}
