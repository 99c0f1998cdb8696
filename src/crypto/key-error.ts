import { HoldfastError } from '../kernel/errors.ts'

/** `E_KEY_WRONG`: a key was found, and does not open what it should. */
export function wrongKey(what: string, details: Record<string, unknown>, cause?: unknown): HoldfastError {
  return new HoldfastError('E_KEY_WRONG', what, { details, cause })
}
