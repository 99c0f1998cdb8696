import { constants } from 'node:os'
import { type ErrorCode, HoldfastError, type HoldfastErrorOptions, isHoldfastError } from './errors.ts'

const CODES: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'E_PERMISSION',
  EDQUOT: 'E_STORAGE_FULL',
  ELOOP: 'E_STORAGE_KEY',
  ENAMETOOLONG: 'E_STORAGE_KEY',
  ENOSPC: 'E_STORAGE_FULL',
  EPERM: 'E_PERMISSION',
  EROFS: 'E_PERMISSION',
}

/** The error of the table for one of the file system; `what` says which operation on which object failed. */
export function fileError(error: unknown, what: string, options: HoldfastErrorOptions = {}): HoldfastError {
  if (isHoldfastError(error)) return error
  const code = CODES[errno(error) ?? ''] ?? 'E_STORAGE'
  return new HoldfastError(code, `${what} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error, ...options })
}

/** The system's name of the error. Of some, EDQUOT among them, libuv knows only the number. */
export function errno(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  if (!error.code.startsWith('Unknown system error') || !('errno' in error) || typeof error.errno !== 'number') return error.code
  const number = Math.abs(error.errno)
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0]
}

/** There is nothing under that name. */
export function isAbsent(error: unknown): boolean {
  return errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR'
}
