import type { Affinity } from '../../../src/contracts/field-type.ts'
import { type StoredValue, storageClass } from '../../../src/record/stored-value.ts'

/** SQLite's own rules, in their order (https://www.sqlite.org/datatype3.html §3.1). STRICT tables know no rules but names; their ANY keeps everything as it is. */
export function affinityOf(declared: string, strict: boolean): Affinity {
  const type = declared.toUpperCase()
  if (strict && type === 'ANY') return 'blob'
  if (type.includes('INT')) return 'integer'
  if (/CHAR|CLOB|TEXT/.test(type)) return 'text'
  if (type === '' || type.includes('BLOB')) return 'blob'
  if (/REAL|FLOA|DOUB/.test(type)) return 'real'
  return 'numeric'
}

const LOOKS_NUMERIC = /^[ \t\n\v\f\r]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \t\n\v\f\r]*$/

/**
 * Would a column of this affinity keep the value as it is? What it would convert on the way in cannot be restored exactly; it can only have come from
 * a column whose declared type was another, or by way of `writable_schema`.
 */
export function survives(value: StoredValue, affinity: Affinity): boolean {
  switch (affinity) {
    case 'blob':
      return true
    case 'text':
      return typeof value !== 'bigint' && typeof value !== 'number'
    case 'real':
      return typeof value !== 'bigint' && !numericText(value) && !Object.is(value, -0)
    case 'integer':
    case 'numeric':
      return !numericText(value) && !wholeReal(value)
  }
}

function numericText(value: StoredValue): boolean {
  return typeof value === 'string' && LOOKS_NUMERIC.test(value)
}

/** A REAL that an INTEGER or NUMERIC column would turn into an INTEGER. */
function wholeReal(value: StoredValue): boolean {
  return storageClass(value) === 'real' && Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 63
}
