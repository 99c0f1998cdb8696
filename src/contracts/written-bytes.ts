/** Bytes where only JSON goes, as records of SQLite have them: on the command line, over HTTP, in a restore plan that is kept. */
export interface WrittenBytes {
  /** Base64, with padding. */
  readonly blob: string
}

export function isWrittenBytes(value: unknown): value is WrittenBytes {
  if (typeof value !== 'object' || value === null) return false
  const { blob, ...others } = value as { readonly blob?: unknown }
  return typeof blob === 'string' && Object.keys(others).length === 0 && isBase64(blob)
}

/** In the one spelling that records have: with padding, and without a character that is none of it. */
export function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text
}

/** The bytes that are meant; any other value as it is. */
export function readBytes<V>(value: V | WrittenBytes): V | Uint8Array {
  return isWrittenBytes(value) ? Buffer.from(value.blob, 'base64') : value
}

export function writeBytes(bytes: Uint8Array): WrittenBytes {
  return { blob: Buffer.from(bytes).toString('base64') }
}
