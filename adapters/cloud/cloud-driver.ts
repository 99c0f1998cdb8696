import type { PlaceFacts, PutOptions } from '../../src/contracts/storage-adapter.ts'
import type { HoldfastError } from '../../src/kernel/errors.ts'

export interface CloudObject {
  /** The whole name in the bucket. */
  readonly name: string
  readonly bytes: number
  readonly modifiedAt: number
  readonly archived?: true
}

export interface CloudPage {
  readonly objects: readonly CloudObject[]
  /** Where the next page begins; undefined after the last. */
  readonly next?: string | undefined
}

export interface CloudRange {
  readonly start: number
  /** Exclusive, and greater than `start`. */
  readonly end: number
}

/**
 * What one provider's SDK is asked for: single requests, by whole names, without a second try. Everything else (names, prefix, sums, tries, probes) is the same for
 * all providers and lies above it. Each call may throw the SDK's own errors, which `errorOf` reads.
 */
export interface CloudDriver {
  put(name: string, body: Buffer, options: Pick<PutOptions, 'ifAbsent' | 'sha256'> & { readonly signal: AbortSignal }): Promise<void>
  /** Does the service itself hold a body of so many bytes against `sha256`, and refuse it? Where it does not, that is done before the body is sent. */
  provesSha256?(bytes: number, signal: AbortSignal): Promise<boolean>
  /** Null when there is no such object. A range that begins beyond the end is empty. */
  get(name: string, range: CloudRange | undefined, signal: AbortSignal): Promise<Buffer | null>
  stat(name: string, signal: AbortSignal): Promise<CloudObject | null>
  list(prefix: string, from: string | undefined, signal: AbortSignal): Promise<CloudPage>
  /** At most `deletesAtOnce` names. Absent ones are not an error. */
  delete(names: readonly string[], signal: AbortSignal): Promise<void>
  readonly deletesAtOnce: number
  /** Without throwing for what the service does not tell. */
  place(signal: AbortSignal): Promise<PlaceFacts>
  /** The error of the table; `what` says which operation on which object failed. */
  errorOf(error: unknown, what: string): HoldfastError
  close(): Promise<void>
}
