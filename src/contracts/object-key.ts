import { HoldfastError } from '../kernel/errors.ts'

const SEGMENT = /^[A-Za-z0-9._-]+$/
/** Names that Windows gives to devices, whatever the extension: refused everywhere, so that a repository can move. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i
const MAX_SEGMENT_BYTES = 200

/**
 * Refuses with `E_STORAGE_KEY` whatever is not a name of the form that every adapter stores: segments of letters, digits, `.`, `-` and `_`,
 * separated by single slashes; none of them starts with a dot (so neither `..` nor hidden files), ends with one, or is longer than 200 bytes.
 */
export function assertObjectKey(key: string, limits: { readonly maxKeyBytes: number }): void {
  const problem = objectKeyProblem(key, limits.maxKeyBytes)
  if (problem) throw new HoldfastError('E_STORAGE_KEY', `${JSON.stringify(key.slice(0, 300))}: ${problem}`, { details: { key: key.slice(0, 300) } })
}

/** Like `assertObjectKey`, for the prefix of a listing: the same form, but it may be empty, and its last segment may be unfinished. */
export function assertObjectPrefix(prefix: string, limits: { readonly maxKeyBytes: number }): void {
  if (prefix === '') return
  assertObjectKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix.endsWith('.') ? `${prefix}x` : prefix, limits)
}

function objectKeyProblem(key: string, maxKeyBytes: number): string | undefined {
  if (key.length > maxKeyBytes) return `longer than ${maxKeyBytes} bytes`
  for (const segment of key.split('/')) {
    if (segment === '') return 'an empty segment'
    if (!SEGMENT.test(segment)) return 'a character besides letters, digits, ".", "-" and "_"'
    if (segment.startsWith('.')) return 'a segment that starts with a dot'
    if (segment.endsWith('.')) return 'a segment that ends with a dot'
    if (segment.length > MAX_SEGMENT_BYTES) return `a segment longer than ${MAX_SEGMENT_BYTES} bytes`
    if (DEVICE.test(segment)) return 'a segment that is a device name on Windows'
  }
  return undefined
}
