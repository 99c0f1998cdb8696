import { ExactNumber, type ExactJson, parseExactJson } from '../record/index.ts'
import type { JsonValue } from './record-difference.ts'

/** The value of a JSON token. A number that JavaScript cannot hold is its text. */
export function valueOf(token: string): JsonValue {
  const first = token[0]
  if (first === '{' || first === '[') return plain(parseExactJson(token))
  if (first === '"' || first === 'n' || first === 't' || first === 'f') return JSON.parse(token) as JsonValue
  return isHeld(token) ? Number(token) : token
}

function plain(value: ExactJson): JsonValue {
  if (value instanceof ExactNumber) return isHeld(value.source) ? Number(value.source) : value.source
  if (Array.isArray(value)) return (value as readonly ExactJson[]).map(plain)
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
  return value
}

/** Does a double hold the number, if perhaps in another spelling (`1.0`, `1e3`)? */
function isHeld(source: string): boolean {
  if (!Number.isFinite(Number(source))) return false
  if (source.length <= 15) return true
  const digits = source.replace(/e.*$/i, '').replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '')
  return digits.length <= 15 || String(Number(source)) === source
}
