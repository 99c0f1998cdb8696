import type { CauseClass } from '../../../../src/contracts/restore-target.ts'
import { isHoldfastError } from '../../../../src/kernel/errors.ts'
import { sqlState } from '../database-error.ts'
import { quoteTable } from '../quote.ts'
import type { FittedItem } from './fit-record.ts'

/** What PostgreSQL's error object says beside its message. */
interface NativeError {
  readonly message?: unknown
  readonly schema?: unknown
  readonly table?: unknown
}

const CAUSES: Readonly<Record<string, CauseClass>> = {
  '23502': 'validation',
  '23514': 'validation',
  '23503': 'missing-parent',
  '23505': 'unique-clash',
  '23P01': 'unique-clash',
  '23001': 'missing-parent',
  '428C9': 'schema',
  '42804': 'schema',
  '42703': 'schema',
}

/** The class of a database's refusal of a record; null for an error that is not the record's fault. */
export function causeOf(error: unknown): CauseClass | null {
  const state = sqlState(error)
  if (state === undefined) return null
  // 22: data exceptions. A trigger that raises (P0001) refuses a record as a check would.
  return CAUSES[state] ?? (state.startsWith('22') || state === 'P0001' ? 'validation' : null)
}

/** What the database said, without a value of a sensitive field: class 22 quotes the value that it stumbled over. */
export function refusal(error: unknown, fitted: FittedItem, column?: string): string {
  const native = (isHoldfastError(error) ? error.cause : error) as NativeError | undefined
  const state = sqlState(error) ?? ''
  const field = fitted.fields.find((each) => each.column === column)
  const secret = field ? field.sensitive : fitted.fields.some(({ sensitive }) => sensitive)
  const said = secret && !state.startsWith('23') ? `the database refuses the value (${state})` : String(native?.message ?? error)
  return field ? `${field.path}: ${said}` : said
}

/** The table that the database blames, quoted, with schema. */
export function tableOf(error: unknown): string | undefined {
  const native = (isHoldfastError(error) ? error.cause : error) as NativeError | undefined
  return typeof native?.schema === 'string' && typeof native.table === 'string' ? quoteTable(native.schema, native.table) : undefined
}
