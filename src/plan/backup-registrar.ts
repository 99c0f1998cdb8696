import type { IBackupPlanRegistry } from './plan-registry.ts'

/** How a module of an application brings its plans along. Handed over as `registrars` at boot. */
export interface BackupRegistrar {
  /** Unique in the application; named in the boot report and in problems. */
  readonly moduleName: string
  /** Called once at boot, one registrar after the other. What it throws fails the boot. */
  register(registry: IBackupPlanRegistry): void | Promise<void>
  /** One line for the boot report: what the module keeps and why it is backed up. */
  describe(): string
}
