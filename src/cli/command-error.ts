import { CommanderError } from 'commander'
import { ERRORS, type ErrorCode, HoldfastError, isHoldfastError } from '../kernel/errors.ts'

/**
 * Anything thrown, as an error of the table. A configuration may bring a second copy of this package along, so an error is known by its shape and
 * not by its class alone.
 */
export function asCommandError(error: unknown): HoldfastError {
  if (isHoldfastError(error)) return error
  if (error instanceof CommanderError) return new HoldfastError('E_USAGE', usageMessage(error))
  if (error instanceof Error && error.name === 'HoldfastError' && 'code' in error && isCode(error.code)) return copyOf(error as HoldfastError)
  const message = error instanceof Error && error.message !== '' ? error.message : String(error)
  return new HoldfastError('E_INTERNAL', message, { hint: 'Run it again with --verbose to see where this comes from.', cause: error })
}

export function usageError(message: string, hint?: string): HoldfastError {
  return new HoldfastError('E_USAGE', message, hint === undefined ? {} : { hint })
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code)
}

function copyOf({ code, message, hint, details, cause }: HoldfastError): HoldfastError {
  return new HoldfastError(code, message.replace(`${code}: `, ''), { hint, details, cause })
}

function usageMessage({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'a command is missing' // its help was shown
  return message.replace(/^error: /, '').replace(/\n\(Did you mean (.+)\)$/s, '; did you mean $1')
}
