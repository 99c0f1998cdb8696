import type { CauseClass } from '../../../../src/contracts/restore-target.ts'
import { HoldfastError, isHoldfastError } from '../../../../src/kernel/errors.ts'
import { databaseError, errorNumber, sqlState } from '../database-error.ts'

/** The typed error of a statement of a restore, whose rights are others than those of a backup. */
export function restoreError(doing: string, error: unknown): HoldfastError {
  const typed = databaseError(doing, error)
  if (typed.code !== 'E_PERMISSION') return typed
  return new HoldfastError('E_PERMISSION', typed.message, {
    hint: 'Grant SELECT, INSERT, UPDATE, DELETE, CREATE, DROP and TRIGGER on the database to the user that Holdfast connects as: records are staged in tables beside the live ones.',
    details: typed.details,
    cause: typed.cause,
  })
}

/** Numbers that refuse a row for what it holds. */
const CAUSES: Readonly<Record<number, CauseClass>> = {
  1022: 'unique-clash',
  1062: 'unique-clash',
  1169: 'unique-clash',
  1586: 'unique-clash',
  1216: 'missing-parent',
  1217: 'missing-parent',
  1451: 'missing-parent',
  1452: 'missing-parent',
  1048: 'validation',
  1263: 'validation',
  1264: 'validation',
  1265: 'validation',
  1292: 'validation',
  1364: 'schema',
  1366: 'validation',
  1406: 'validation',
  1411: 'validation',
  1526: 'validation', // no partition takes the row
  1690: 'validation',
  1748: 'validation',
  1644: 'validation', // SIGNAL
  3140: 'validation', // not JSON
  3819: 'validation', // CHECK, MySQL
  4025: 'validation', // CHECK, MariaDB
}

/** The class of a database's refusal of a record; null for an error that is not the record's fault. */
export function causeOf(error: unknown): CauseClass | null {
  if (!isHoldfastError(error)) return null
  const number = errorNumber(error)
  if (number === undefined) return null
  const state = sqlState(error) ?? ''
  return CAUSES[number] ?? (state.startsWith('22') ? 'validation' : null)
}

/** What was refused, in words that quote no value: the server's own do. */
const SAYS: Readonly<Record<number, string>> = {
  1048: 'null, where the column does not allow it',
  1062: 'a unique index has this value already',
  1263: 'null, where the column does not allow it',
  1264: 'a number out of the range of its column',
  1265: 'a value that its column would cut off or does not know',
  1292: 'a value that its column cannot hold',
  1366: 'a value that its column, or the character set of it, cannot hold',
  1406: 'a value longer than its column',
  1526: 'no partition of the table takes it',
  3140: 'a text that is not JSON',
  3819: 'a CHECK constraint is not met',
  4025: 'a CHECK constraint is not met',
}

/** The server's message with every quoted value taken out: only names in backquotes, and those of columns, keys and constraints, are left. */
export function refusal(number: number | undefined, message: string): string {
  const column = /for (?:column|key) [`']?(?:[^\s`']*`\.`)*([^`'\s]+)[`']?/i.exec(message)?.[1]
  const constraint = /(?:CONSTRAINT|constraint) [`']([^`']+)[`']/.exec(message)?.[1]
  const where = column ?? constraint
  const said = (number === undefined ? undefined : SAYS[number]) ?? 'the database refuses it'
  return where === undefined ? `${said} (${number})` : `${where}: ${said} (${number})`
}

/** `refusal` of an error of the lane. */
export function refusalOf(error: unknown): string {
  const native = isHoldfastError(error) ? error.cause : error
  const message = native instanceof Error ? native.message : ''
  return refusal(errorNumber(error), message)
}
