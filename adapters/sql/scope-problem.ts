import type { ScopeFilter } from '../../src/contracts/row-owner.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'

/** `E_SCOPE` for a column that no scope can be held against. */
export function unfitTenantColumn(entity: string, { field }: ScopeFilter, dbType: string): HoldfastError {
  return new HoldfastError('E_SCOPE', `${entity}: the tenant property "${field}" is of the type ${dbType}`, {
    hint: 'Whole numbers, text and types that are written as text (uuid, enum) can tell tenants.',
    details: { entity, field },
  })
}

/** `E_SCOPE` for a tenant that the column cannot hold. */
export function unfitScope(entity: string, { field }: ScopeFilter, dbType: string): HoldfastError {
  return new HoldfastError('E_SCOPE', `the scope is no value of "${field}" of ${entity}, which is of the type ${dbType}`, {
    hint: 'Give it exactly as the database prints it: numbers without leading zeros, UUIDs in lower case.',
    details: { entity, field },
  })
}

const WHOLE = /^(0|-?[1-9][0-9]{0,18})$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** As the database prints whole numbers. */
export const isWholeNumber = (value: string): boolean => WHOLE.test(value)
/** As databases print UUIDs. */
export const isUuidText = (value: string): boolean => UUID.test(value)

/** Rows of an entity that a restore may not touch, and some of their keys. */
export interface StrangeRows {
  readonly entity: string
  readonly rows: number
  readonly keys: readonly string[]
}

/** `E_SCOPE_ROWS`. Before anything is written rows stand under keys of the records; afterwards it is the records themselves that are not of the tenant, and all is rolled back. */
export function strangeRows(found: readonly StrangeRows[], when: 'before' | 'after'): HoldfastError {
  const list = found.map(({ entity, rows, keys }) => `${rows} of ${entity} (${keys.join(', ')}${rows > keys.length ? ' …' : ''})`).join('; ')
  const what = when === 'before' ? 'live rows of other tenants, or of none, have the keys of records' : 'records are not of the tenant'
  return new HoldfastError('E_SCOPE_ROWS', `${what}: ${list}; nothing was changed`, { details: { rows: found } })
}
