export type { Container } from './container.ts'
export type { HoldfastServices } from './register-holdfast.ts'
export type { Token } from './token.ts'

export { resolve } from './container.ts'
export {
  IBackupDiscoveryService,
  IBackupPlanRegistry,
  IBundleService,
  IDataBackupService,
  IDataRestoreService,
  IKeyService,
  ISnapshotComparisonService,
  IStorageService,
  registerHoldfast,
} from './register-holdfast.ts'
export { token } from './token.ts'
