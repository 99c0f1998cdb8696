import { isHoldfastError } from '../kernel/errors.ts'

/**
 * May the same call to a storage succeed when it is made again at once? So says `E_STORAGE`, unless its thrower knows better: `details.fatal` (an fsync failed) or
 * `details.transient` false (the request itself is at fault). What it stored may be there all the same: a create-only `put` that is repeated may find its own object.
 */
export function isTransientFailure(error: unknown): boolean {
  return isHoldfastError(error, 'E_STORAGE') && error.details.fatal !== true && error.details.transient !== false
}
