import { hostname } from 'node:os'
import type { Repository } from '../archive/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { HookSet } from '../hooks/index.ts'
import type { Logger } from '../contracts/logger.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { Clock } from '../kernel/clock.ts'

/** The process that runs an attempt, as far as another one can tell whether it still lives. */
export interface Host {
  readonly name: string
  readonly pid: number
  /** Is that process of this host alive? */
  alive(pid: number): boolean
}

export const thisHost: Host = {
  name: hostname(),
  pid: process.pid,
  alive(pid) {
    try {
      process.kill(pid, 0)
      return true
    } catch (error) {
      // EPERM: it is there, and somebody else's.
      return error instanceof Error && 'code' in error && error.code === 'EPERM'
    }
  },
}

/** What the engine works with. `signal` stands for the whole session: aborting it cancels, and the result rejects with `E_ABORTED`. */
export interface BackupEnvironment extends AbortableOptions {
  readonly stores: readonly EntityStore[]
  /** The repository of a storage bucket, opened. The same bucket gives the same repository. */
  readonly repositoryOf: (bucket: string) => Promise<Repository>
  readonly clock?: Clock
  readonly logger?: Logger
  readonly host?: Host
  /** Called around the run, those of the application first. Default: none. */
  readonly hooks?: readonly HookSet[]
}
