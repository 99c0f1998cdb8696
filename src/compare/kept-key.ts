import type { EntityKey, KeyValue } from '../contracts/entity-key.ts'
import { isWrittenBytes, writeBytes } from '../contracts/written-bytes.ts'

/** A key that means the same once it was JSON: of a plan that is kept, and applied by another process. What is no key is left as it is, and refused where the entity is known. */
export function keptKey(key: EntityKey): EntityKey {
  if (Array.isArray(key)) return (key as readonly KeyValue[]).map(keptKeyValue)
  if (typeof key !== 'object' || key === null || key instanceof Uint8Array || isWrittenBytes(key)) return keptKeyValue(key)
  if (Object.getPrototypeOf(key) !== Object.prototype) return key
  return Object.fromEntries(Object.entries(key as { readonly [path: string]: KeyValue }).map(([path, value]) => [path, keptKeyValue(value)]))
}

function keptKeyValue(value: KeyValue): KeyValue {
  if (typeof value === 'bigint') return `${value}`
  return value instanceof Uint8Array ? writeBytes(value) : value
}
