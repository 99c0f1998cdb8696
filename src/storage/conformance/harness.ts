import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { CapabilityName } from '../../contracts/capability-requirement.ts'
import type { StorageAdapter } from '../../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../../kernel/abort.ts'
import { type ErrorCode, HoldfastError } from '../../kernel/errors.ts'

/** What a case works with. All it stores lies below `prefix`, which no other case uses. */
export interface ConformanceHarness {
  readonly storage: StorageAdapter
  /** A second adapter on the same place: another connection, another process's view of it. */
  readonly other: StorageAdapter
  /** Ends with a slash. */
  readonly prefix: string
  /** For a name that is not taken: create-only, where the storage can. */
  readonly fresh: { readonly ifAbsent: boolean }
  /** Objects for the listing case: more than one page of the storage's listing has. */
  readonly pageObjects: number
}

export interface ConformanceCase {
  readonly name: string
  /** Runs where the capability is there and proves that it is. */
  readonly requires?: CapabilityName
  /** Runs where the capability is absent and proves that what needs it is refused. */
  readonly absent?: CapabilityName
  /** Throws what is wrong. */
  run(harness: ConformanceHarness): Promise<void>
}

export const createOnly = { ifAbsent: true } as const

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Bytes that neither compress nor repeat. */
export function noise(length: number): Buffer {
  return randomBytes(length)
}

export function assertSameBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.equal(actual.byteLength, expected.byteLength, `${what}: length`)
  assert.ok(Buffer.compare(actual, expected) === 0, `${what}: content differs`)
}

/** The call must reject with that error of the table. */
export async function assertRefused(call: Promise<unknown>, code: ErrorCode, what: string): Promise<void> {
  const outcome = await call.then(
    () => 'success',
    (error: unknown) => error,
  )
  assert.ok(
    outcome instanceof HoldfastError && outcome.code === code,
    `${what}: expected ${code}, got ${outcome instanceof Error ? outcome.message : String(outcome)}`,
  )
}

export async function namesBelow(storage: StorageAdapter, prefix: string, options?: AbortableOptions): Promise<string[]> {
  const names: string[] = []
  for await (const { key } of storage.list(prefix, options)) names.push(key)
  return names
}
