import { type ErrorCode, type HoldfastError, isHoldfastError } from '../../src/kernel/errors.ts'

/** The error that the work ends in, which must be of this code. */
export async function failure(work: Promise<unknown>, code: ErrorCode): Promise<HoldfastError> {
  const outcome = await work.then(
    () => new Error(`${code} was expected, and nothing failed`),
    (error: unknown) => error,
  )
  if (isHoldfastError(outcome, code)) return outcome
  throw outcome
}
