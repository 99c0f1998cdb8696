import { hash } from 'node:crypto'

/** Of a row as a line; null where there is none. Equal rows have equal hashes. */
export function rowHash(line: string | null): string | null {
  return line === null ? null : hash('sha256', line, 'base64url')
}
