/** `wait`: the database has better things to do. */
export type SourceProbeAnswer = 'ok' | 'wait'

/** The application's word on whether a database can bear to be read now. `signal` aborts when the answer is no longer waited for. */
export type SourceProbe = (asked: { readonly store: string; readonly signal: AbortSignal }) => SourceProbeAnswer | Promise<SourceProbeAnswer>

/**
 * How hard a backup may lean on the databases that it reads. Limits are for each entity store. They hold for rows that are read out, whether to store or to compare them; what a
 * database counts or hashes by itself is not counted.
 */
export interface SourceLimits {
  /** Rows a second, by all readers of a store together. Default null: no limit. 1 to 1,000,000,000. Reading goes by batches of about 1 MiB: below a batch a second it is a batch, then a rest. */
  readonly maxRowsPerSecond: number | null
  /** Bytes of record lines a second. Default null: no limit. 1024 to 1,000,000,000,000. */
  readonly maxBytesPerSecond: number | null
  /** Reading stops while replication is further behind than this, in milliseconds. Default null: nobody asks. 100 to 86,400,000. Takes one more connection for a moment. */
  readonly maxReplicationLagMs: number | null
  /** Reading stops while this says `wait`. It has 10 seconds; no answer, an error and anything but `ok` count as `wait`. Default null. */
  readonly pauseWhen: SourceProbe | null
  /** How often lag and `pauseWhen` are asked, in milliseconds. Default 5000; 100 to 600,000. */
  readonly checkEveryMs: number
  /** A wait without an end ends the run with `E_SOURCE_BUSY` after so many milliseconds: it can be resumed, and holds no snapshot any more. Default 3,600,000; 1000 to 604,800,000. */
  readonly maxWaitMs: number
}

export const NO_SOURCE_LIMITS: SourceLimits = {
  maxRowsPerSecond: null,
  maxBytesPerSecond: null,
  maxReplicationLagMs: null,
  pauseWhen: null,
  checkEveryMs: 5000,
  maxWaitMs: 3_600_000,
}
