import type { Command } from 'commander'
import type { SourceLimits } from '../plan/index.ts'
import { byteCount, timeSpan, wholeNumber } from './option-values.ts'

export interface SourceOptions {
  readonly maxRowsPerSecond?: number
  readonly maxBytesPerSecond?: number
  readonly maxReplicationLag?: number
}

/** Options that hold the reading of the databases back, for this run. */
export function addSourceOptions(command: Command): Command {
  return command
    .option('--max-rows-per-second <count>', 'read no more rows a second out of each database', wholeNumber)
    .option('--max-bytes-per-second <bytes>', 'read no more bytes of records a second out of each database, such as 20MiB', byteCount)
    .option('--max-replication-lag <time>', 'stop reading while replication is further behind, such as 30s', timeSpan)
}

/** What goes before the policy of the plan; empty when no option was given. */
export function sourceLimits({ maxRowsPerSecond, maxBytesPerSecond, maxReplicationLag }: SourceOptions): { readonly source?: Partial<SourceLimits> } {
  const source = {
    ...(maxRowsPerSecond === undefined ? {} : { maxRowsPerSecond }),
    ...(maxBytesPerSecond === undefined ? {} : { maxBytesPerSecond }),
    ...(maxReplicationLag === undefined ? {} : { maxReplicationLagMs: maxReplicationLag }),
  }
  return Object.keys(source).length === 0 ? {} : { source }
}
