import { createHmac } from 'node:crypto'
import { derive } from '../crypto/index.ts'

/** 128 bits as hex digits: file systems that fold case tell two apart. */
const ID_DIGITS = 32

/**
 * The path segment of a tenant: a keyed hash of its name, so that no name can lead anywhere else, and whoever only sees paths learns no name. The secret is the repository's: in an
 * encrypted one it comes from the key, in a plain one it stands in `repository.json`.
 */
export function scopeIdOf(secret: Uint8Array, tenant: string): string {
  return createHmac('sha256', derive(secret, '', 'scope-id'))
    .update(tenant, 'utf8')
    .digest('hex')
    .slice(0, ID_DIGITS)
}
