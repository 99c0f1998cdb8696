import { assertEncryption, type EncryptionOptions } from './archive/index.ts'
import type { Hooks } from './contracts/hooks.ts'
import type { EntityStore } from './contracts/entity-store.ts'
import { type Logger, silentLogger } from './contracts/logger.ts'
import type { StorageAdapter } from './contracts/storage-adapter.ts'
import { type SchemaChange, schemaChanges } from './evolution/index.ts'
import { type MaskingOptions, maskRules } from './masking/index.ts'
import { hookProblems } from './hooks/index.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import { HoldfastError } from './kernel/errors.ts'
import { assertKnownOptions } from './kernel/known-options.ts'
import { type BackupPlan, type BackupRegistrar, bootPlans, type BootReport, type IBackupPlanRegistry } from './plan/index.ts'
import {
  type Bucket,
  BucketRepositories,
  createBackupService,
  createBundleService,
  createComparisonService,
  createDiscoveryService,
  createErasureService,
  createHookSets,
  createKeyService,
  createRestoreService,
  createStorageService,
  type IBackupDiscoveryService,
  type IBundleService,
  type IDataBackupService,
  type IDataRestoreService,
  type IErasureService,
  type IKeyService,
  type ISnapshotComparisonService,
  type IStorageService,
  type NamedRestore,
  namedRestores,
} from './service/index.ts'

/** Name of the bucket that a single storage is known by. */
const DEFAULT_BUCKET = 'default'

export interface HoldfastOptions {
  /** The ORM connections, wrapped by `typeormStore` or `mikroOrmStore`. At least one. */
  readonly stores: readonly EntityStore[]
  /** Where backups go: one storage (the bucket `default`), or buckets by name. */
  readonly storage: StorageAdapter | Readonly<Record<string, StorageAdapter | Bucket>>
  /** Encrypts every bucket that does not say otherwise: the keys come from `holdfast/encryption`. Default: not encrypted. */
  readonly encryption?: EncryptionOptions
  /** Plans that the application hands over itself. */
  readonly plans?: readonly BackupPlan[]
  /** Modules that bring their plans along. */
  readonly registrars?: readonly BackupRegistrar[]
  /** Restores that can be run again by their name: `defineRestore({ … })`. */
  readonly restores?: readonly NamedRestore[]
  /** How records of older schemas become those of today: `upcast`, `renamedFrom`, `removedEntity`. */
  readonly schema?: readonly SchemaChange[]
  /** How sensitive values are replaced by restores that ask for it (`mask: true`). */
  readonly masking?: MaskingOptions
  /** What the application does around every backup and restore. Plans may have hooks of their own. */
  readonly hooks?: Hooks
  /** Any logger of pino's shape. Default: silent. */
  readonly logger?: Logger
  /** Default: the system's. */
  readonly clock?: Clock
}

/** Everything an application works with. Made once at boot, closed at shutdown. */
export interface Holdfast {
  readonly backups: IDataBackupService
  readonly restores: IDataRestoreService
  readonly discovery: IBackupDiscoveryService
  readonly comparisons: ISnapshotComparisonService
  /** Single snapshots in files, to be taken elsewhere. */
  readonly bundles: IBundleService
  /** Records that are given out no more. */
  readonly erasures: IErasureService
  /** Of encrypted buckets. */
  readonly keys: IKeyService
  /** The places that backups go to. */
  readonly storages: IStorageService
  readonly plans: IBackupPlanRegistry
  /** What the boot found: modules, plans, entities, warnings. Print it once. */
  readonly report: BootReport
  /**
   * Pauses running backups (their tokens stay good), cancels running restores, and closes the storages; nothing new can be started from then on.
   * The ORM connections stay open: they are the application's.
   */
  close(): Promise<void>
}

const OPTIONS: readonly (keyof HoldfastOptions)[] = [
  'stores',
  'storage',
  'encryption',
  'plans',
  'registrars',
  'restores',
  'schema',
  'masking',
  'hooks',
  'logger',
  'clock',
]

/**
 * Wires stores, storages and plans together by hand; no container is needed. Resolves when every plan was checked against the
 * entities. Asks no database and touches no storage.
 *
 * @throws `E_CONFIG`, with every problem of every named restore, and `E_PLAN_INVALID` with every problem of every plan.
 */
export async function createHoldfast(options: HoldfastOptions): Promise<Holdfast> {
  assertKnownOptions(options, OPTIONS, 'createHoldfast')
  const { logger = silentLogger, clock = systemClock, plans = [], registrars = [] } = options
  if (!Array.isArray(options.stores) || options.stores.length === 0) {
    throw new HoldfastError('E_CONFIG', '`stores` is empty', { hint: 'Hand over at least one: typeormStore(dataSource) or mikroOrmStore(orm).' })
  }
  for (const [index, store] of options.stores.entries()) {
    if (isStore(store)) continue
    throw new HoldfastError('E_CONFIG', `\`stores[${index}]\` is no entity store`, {
      hint: 'Wrap the connection: typeormStore(dataSource) or mikroOrmStore(orm).',
    })
  }
  if (options.hooks !== undefined) {
    const problems = hookProblems(options.hooks).map(({ member, problem, remedy }) => `\`hooks${member && `.${member}`}\`: ${problem}. ${remedy}`)
    if (problems.length > 0) throw new HoldfastError('E_CONFIG', problems.join('\n'))
  }
  const buckets = bucketsOf(options.storage, options.encryption)
  const { registry, report } = await bootPlans({ plans, registrars, stores: options.stores, buckets: [...buckets.keys()] })
  const schema = schemaChanges(options.schema ?? [], options.stores)
  const masking = options.masking && maskRules(options.masking, options.stores)
  const repositories = new BucketRepositories(buckets)
  const stores = new Map(options.stores.map((store) => [store.name, store]))
  const hooks = createHookSets(options.hooks, registry)
  const backups = createBackupService({ repositories, stores, plans: registry, hooks, clock, logger })
  const schemaWith = (more: readonly SchemaChange[]) => schemaChanges([...(options.schema ?? []), ...more], options.stores)
  const named = namedRestores(options.restores ?? [], { stores, plans: registry, schema: options.schema ?? [], masking: masking !== undefined })
  const restores = createRestoreService({ repositories, plans: registry, hooks, stores, schema, schemaWith, masking, named, clock, logger })
  const discovery = createDiscoveryService({ repositories, stores, schema, plans: registry, inventory: report.inventory, clock, logger })
  const comparisons = createComparisonService({ repositories, plans: registry, stores, schema })
  logger.info({ plans: registry.list().map(({ id }) => id), stores: [...stores.keys()], warnings: report.warnings.length }, 'holdfast is ready')
  let closing: Promise<void> | undefined
  const close = async () => {
    await Promise.all([backups.recent.close((session) => session.pause()), restores.recent.close((session) => session.cancel())])
    await restores.released()
    await repositories.close()
  }
  return {
    backups,
    restores,
    discovery,
    comparisons,
    bundles: createBundleService({ repositories, stores, schema, plans: registry, masking, logger }),
    erasures: createErasureService({ repositories, stores, schema, clock, logger }),
    keys: createKeyService(repositories),
    storages: createStorageService(repositories),
    plans: registry,
    report,
    close: () => (closing ??= close()),
  }
}

function bucketsOf(storage: HoldfastOptions['storage'] | undefined, encryption: EncryptionOptions | undefined): Map<string, Bucket> {
  if (encryption) assertEncryption(encryption)
  const common = encryption ? { encryption } : {}
  if (!storage || typeof storage !== 'object')
    throw new HoldfastError('E_CONFIG', '`storage` is missing', { hint: "Hand over an adapter, for example fsStorage({ root: './backups' })." })
  if (isAdapter(storage)) return new Map([[DEFAULT_BUCKET, { storage, ...common }]])
  const buckets = new Map(
    Object.entries(storage).map(([name, bucket]) => [name, isAdapter(bucket) ? { storage: bucket, ...common } : { ...common, ...bucket }]),
  )
  if (buckets.size === 0) throw new HoldfastError('E_CONFIG', '`storage` names no bucket')
  for (const [name, bucket] of buckets) {
    if (bucket.encryption) assertEncryption(bucket.encryption)
    if (bucket?.storage && isAdapter(bucket.storage)) continue
    throw new HoldfastError('E_CONFIG', `bucket "${name}" has no storage`, { hint: "A bucket is an adapter, or { storage: adapter, prefix: 'name/' }." })
  }
  return buckets
}

function isStore(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'mapping' in value && 'dialect' in value && 'name' in value
}

function isAdapter(value: StorageAdapter | Bucket | HoldfastOptions['storage'] | undefined): value is StorageAdapter {
  return typeof value === 'object' && value !== null && 'capabilities' in value && typeof value.put === 'function'
}
