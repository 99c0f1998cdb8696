import { createHash } from 'node:crypto'

/** Of a row as a line; null where there is none. Equal rows have equal hashes. */
export function rowHash(line: string | null): string | null {
  return line === null ? null : createHash('sha256').update(line).digest('base64url')
}
