import { HoldfastError } from './errors.ts'

/** Characters of a name. */
const LONGEST_NAME = 200

/**
 * Who asks for something, and why, is kept for good, in records that nobody can read in which it is anything but text: a ticket given as a number would be the end of a ledger.
 *
 * @throws `E_CONFIG`
 */
export function assertNoted({ by = null, reason = null }: { readonly by?: unknown; readonly reason?: unknown }): void {
  if (by !== null && !(typeof by === 'string' && by.length <= LONGEST_NAME)) throw noText('by', by, `a text of at most ${LONGEST_NAME} characters`)
  if (reason !== null && typeof reason !== 'string') throw noText('reason', reason, 'a text')
}

function noText(name: string, value: unknown, expected: string): HoldfastError {
  const shown = typeof value === 'string' ? `${value.length} characters long` : `a ${typeof value}`
  return new HoldfastError('E_CONFIG', `\`${name}\` is ${shown}; expected ${expected}`, { hint: 'It is kept, and shown to whoever looks at what was done.' })
}
