import { randomBytes } from 'node:crypto'
import type { KeyProvider } from '../contracts/key-provider.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { derive, KEY_BYTES } from './derive.ts'
import { wrongKey } from './key-error.ts'
import { readSecretFile, writeSecretFile } from './secret-file.ts'
import { unwrapUnder, wrapUnder } from './symmetric-wrap.ts'

const HEAD = 'holdfast-key-1:'
const HINTS = {
  absent:
    'Check the path. For backups that have no key yet, make one: `holdfast keys generate <file>`, or `generateKeyFile(path)`; those that have one are read with no other.',
  other: 'Make one: holdfast keys generate <file>',
}
const LINE = /^holdfast-key-1:([A-Za-z0-9_-]{43})$/

/**
 * Writes a new key file that nobody else may read. Keep a copy where the backups are not: without it they cannot be read by anyone.
 *
 * @throws `E_CONFIG` when the file exists: nothing is ever written over a key
 */
export async function generateKeyFile(path: string): Promise<void> {
  const head = '# A Holdfast key. Whoever has it can read the backups; without it nobody can.\n'
  await writeSecretFile(path, `${head}${HEAD}${randomBytes(KEY_BYTES).toString('base64url')}\n`)
}

/**
 * A key in a file that `generateKeyFile` made. The file is read at once.
 *
 * @throws `E_KEY_MISSING` when it cannot be read, `E_CONFIG` when it holds no key or others than its owner may read it
 */
export async function keyFile(path: string): Promise<KeyProvider> {
  return secretKey(Buffer.from(await readSecretFile(path, LINE, HINTS), 'base64url'))
}

/** A key of 32 random bytes that the application got from elsewhere, a secret store perhaps. @throws `E_CONFIG` */
export function secretKey(secret: Uint8Array): KeyProvider {
  if (secret.byteLength !== KEY_BYTES) throw new HoldfastError('E_CONFIG', `a key of ${secret.byteLength} bytes; it must have ${KEY_BYTES}`)
  const own = Buffer.from(secret)
  const reference = derive(own, '', 'fingerprint').toString('hex', 0, 8)
  return {
    kind: 'key-file',
    reference,
    opens: true,
    wrap: async (key, context) => wrapUnder(own, 'key-file', key, context),
    async unwrap(wrapped, context) {
      const key = unwrapUnder(own, 'key-file', wrapped, context)
      if (!key) throw wrongKey(`the key ${reference} does not open what was wrapped with it`, { reference })
      return key
    },
  }
}
