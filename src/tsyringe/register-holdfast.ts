import { HoldfastError } from '../kernel/errors.ts'
import type { IBackupPlanRegistry as PlanRegistry } from '../plan/index.ts'
import type { IBackupDiscoveryService as DiscoveryService } from '../service/backup-discovery-service.ts'
import type { IBundleService as BundleService } from '../service/bundle-service.ts'
import type { IDataBackupService as BackupService } from '../service/data-backup-service.ts'
import type { IDataRestoreService as RestoreService } from '../service/data-restore-service.ts'
import type { IKeyService as KeyService } from '../service/key-service.ts'
import type { ISnapshotComparisonService as ComparisonService } from '../service/snapshot-comparison-service.ts'
import type { IStorageService as StorageService } from '../service/storage-service.ts'
import type { Container } from './container.ts'
import { token } from './token.ts'

/**
 * Tokens named as the interfaces, each of which is exported as a type under the same name:
 * `constructor(@inject(IDataBackupService) private readonly backups: IDataBackupService) {}`.
 */
export const IDataBackupService = token<BackupService>('IDataBackupService')
export const IDataRestoreService = token<RestoreService>('IDataRestoreService')
export const IBackupDiscoveryService = token<DiscoveryService>('IBackupDiscoveryService')
export const ISnapshotComparisonService = token<ComparisonService>('ISnapshotComparisonService')
export const IBundleService = token<BundleService>('IBundleService')
export const IKeyService = token<KeyService>('IKeyService')
export const IStorageService = token<StorageService>('IStorageService')
export const IBackupPlanRegistry = token<PlanRegistry>('IBackupPlanRegistry')

export type IDataBackupService = BackupService
export type IDataRestoreService = RestoreService
export type IBackupDiscoveryService = DiscoveryService
export type ISnapshotComparisonService = ComparisonService
export type IBundleService = BundleService
export type IKeyService = KeyService
export type IStorageService = StorageService
export type IBackupPlanRegistry = PlanRegistry

/** The services of what `createHoldfast` returns. */
export interface HoldfastServices {
  readonly backups: BackupService
  readonly restores: RestoreService
  readonly discovery: DiscoveryService
  readonly comparisons: ComparisonService
  readonly bundles: BundleService
  readonly keys: KeyService
  readonly storages: StorageService
  readonly plans: PlanRegistry
}

/**
 * Registers the services of one Holdfast under their tokens, as they are: the container makes and disposes of nothing.
 * @throws `E_CONFIG` when the container has them already; a second Holdfast belongs into a child container
 */
export function registerHoldfast(container: Container, holdfast: HoldfastServices): void {
  const services = new Map<symbol, unknown>([
    [IDataBackupService, holdfast.backups],
    [IDataRestoreService, holdfast.restores],
    [IBackupDiscoveryService, holdfast.discovery],
    [ISnapshotComparisonService, holdfast.comparisons],
    [IBundleService, holdfast.bundles],
    [IKeyService, holdfast.keys],
    [IStorageService, holdfast.storages],
    [IBackupPlanRegistry, holdfast.plans],
  ])
  for (const key of services.keys()) {
    if (container.isRegistered(key)) {
      throw new HoldfastError('E_CONFIG', `the container has ${key.description} already`, { hint: 'Register a second Holdfast in a child container.' })
    }
  }
  for (const [key, useValue] of services) container.register(key, { useValue })
}
