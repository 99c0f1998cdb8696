import { ValueError } from './value-error.ts'

/**
 * A double: the shortest number token that reads back as the same double, always with a `.` or an exponent, so that it differs from an
 * integer: `1.0`, `-0.0`, `1e+21`. Infinities are strings. NaN has no form: no database that stores dynamically keeps it (it becomes NULL).
 */
export function encodeReal(value: number): string {
  if (Number.isInteger(value)) {
    if (Object.is(value, -0)) return '-0.0'
    const token = `${value}`
    return token.includes('e') ? token : `${token}.0`
  }
  if (Number.isFinite(value)) return `${value}`
  if (Number.isNaN(value)) throw new ValueError('NaN cannot be stored')
  return `"${value}"`
}

/** The exact inverse of `encodeReal`: refuses any other spelling, so that equal values have equal lines. */
export function decodeReal(token: string): number {
  if (token === '"Infinity"') return Infinity
  if (token === '"-Infinity"') return -Infinity
  const value = Number(token)
  if (!Number.isFinite(value) || encodeReal(value) !== token) throw new ValueError('a floating-point number in its shortest form was expected')
  return value
}
