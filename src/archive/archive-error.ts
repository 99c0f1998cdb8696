import { HoldfastError } from '../kernel/errors.ts'

/** `E_ARCHIVE_CORRUPT`: `object` is not what was stored. */
export function corrupt(object: string, problem: string, cause?: unknown): HoldfastError {
  return new HoldfastError('E_ARCHIVE_CORRUPT', `${object}: ${problem}`, { cause, details: { object, problem } })
}

/** `E_ARCHIVE_MISSING`. */
export function missing(object: string, hint?: string): HoldfastError {
  return new HoldfastError('E_ARCHIVE_MISSING', `${object} is not in the storage`, { details: { object }, ...(hint === undefined ? {} : { hint }) })
}

/** `E_ARCHIVE_FORMAT`: sound, as far as can be seen, but beyond this version. */
export function tooNew(object: string, problem: string): HoldfastError {
  return new HoldfastError('E_ARCHIVE_FORMAT', `${object}: ${problem}`, { details: { object, problem } })
}
