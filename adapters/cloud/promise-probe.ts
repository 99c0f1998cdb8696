import { orAborted } from '../../src/kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../../src/kernel/errors.ts'

/** The object that the proof needs. It stays, so that it is made once a place, and needs no right to delete. */
export const PROBE_KEY = 'holdfast-probe'
export const PROBE_BODY = Buffer.from('By this object Holdfast asks whether the storage creates objects only once, and lists them at once. It may stay.\n')

export interface ProbeCalls {
  /** Create-only. */
  put(key: string, body: Buffer): Promise<void>
  list(key: string): Promise<boolean>
}

/**
 * Whether a place keeps the promises that a repository rests on cannot be told from its SDK: some servers ignore the header that makes a `put` create-only, and would let
 * one process overwrite the other's work. So before the first such `put` it is tried, once an adapter: a name that is taken must be refused, and must be listed.
 *
 * @throws `E_CAPABILITY`
 */
export function createPromiseProbe(name: string, calls: ProbeCalls): (signal: AbortSignal | undefined) => Promise<void> {
  let proved: Promise<void> | undefined

  async function created(): Promise<boolean> {
    try {
      await calls.put(PROBE_KEY, PROBE_BODY)
      return true
    } catch (error) {
      if (isHoldfastError(error, 'E_STORAGE_EXISTS')) return false
      throw error
    }
  }

  async function prove(): Promise<void> {
    if ((await created()) && (await created())) {
      throw new HoldfastError(
        'E_CAPABILITY',
        `writing a repository needs conditionalPut, which ${name} does not keep: it overwrote an object that was to be created only`,
        {
          hint: 'Use a storage that honours If-None-Match (S3 itself, MinIO, Ceph RGW, R2 and others do), or a newer version of this one.',
          details: { storage: name, missing: ['conditionalPut'] },
        },
      )
    }
    if (!(await calls.list(PROBE_KEY))) {
      throw new HoldfastError(
        'E_CAPABILITY',
        `writing a repository needs strongList, which ${name} does not keep: it does not list an object that it has acknowledged`,
        {
          hint: 'Use a storage whose listings are consistent.',
          details: { storage: name, missing: ['strongList'] },
        },
      )
    }
  }

  return (signal) => {
    // For all who wait for it, so nobody's signal ends it for the others.
    proved ??= prove().catch((error: unknown) => {
      proved = undefined
      throw error
    })
    return orAborted(proved, signal)
  }
}
