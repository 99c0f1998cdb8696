import { randomBytes } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import type { KeyProvider } from '../contracts/key-provider.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { errno, isAbsent } from '../kernel/file-error.ts'
import { derive, KEY_BYTES } from './derive.ts'
import { wrongKey } from './key-error.ts'
import { unwrapUnder, wrapUnder } from './symmetric-wrap.ts'

const HEAD = 'holdfast-key-1:'
const LINE = /^holdfast-key-1:([A-Za-z0-9_-]{43})$/

/**
 * Writes a new key file that nobody else may read. Keep a copy where the backups are not: without it they cannot be read by anyone.
 *
 * @throws `E_CONFIG` when the file exists: nothing is ever written over a key
 */
export async function generateKeyFile(path: string): Promise<void> {
  const text = `# A Holdfast key. Whoever has it can read the backups; without it nobody can.\n${HEAD}${randomBytes(KEY_BYTES).toString('base64url')}\n`
  let file
  try {
    file = await open(path, 'wx', 0o600)
  } catch (error) {
    const taken = errno(error) === 'EEXIST'
    throw new HoldfastError('E_CONFIG', `the key file ${path} cannot be made${taken ? ': there is one' : `: ${errno(error) ?? String(error)}`}`, {
      hint: taken ? 'Keys are never written over. Choose another path.' : 'Choose a path in a folder that exists and may be written to.',
      cause: error,
    })
  }
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * A key in a file that `generateKeyFile` made. The file is read at once.
 *
 * @throws `E_KEY_MISSING` when it cannot be read, `E_CONFIG` when it holds no key or others than its owner may read it
 */
export async function keyFile(path: string): Promise<KeyProvider> {
  let text: string
  try {
    const { mode } = await stat(path)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new HoldfastError('E_CONFIG', `the key file ${path} may be read by others than its owner`, { hint: `chmod 600 ${path}` })
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    const absent = isAbsent(error)
    throw new HoldfastError('E_KEY_MISSING', absent ? `there is no key file ${path}` : `the key file ${path} cannot be read`, {
      hint: absent
        ? 'Check the path. For backups that have no key yet, make one: `holdfast keys generate <file>`, or `generateKeyFile(path)`; those that have one are read with no other.'
        : 'The user that runs this must be able to read it.',
      cause: error,
    })
  }
  const lines = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'))
  const secret = LINE.exec(lines.length === 1 ? lines[0]! : '')?.[1]
  if (secret === undefined) throw new HoldfastError('E_CONFIG', `${path} holds no Holdfast key`, { hint: 'Make one: holdfast keys generate <file>' })
  return secretKey(Buffer.from(secret, 'base64url'))
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
