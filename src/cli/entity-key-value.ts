import type { EntityKey } from '../contracts/entity-key.ts'
import { usageError } from './command-error.ts'

/** Text that is no JSON list or object is the value itself: numbers are told by the type of the field. */
export function entityKeyValue(text: string): EntityKey {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.parse(text) as EntityKey
  } catch (error) {
    throw usageError(`the key is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}
