import { randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import type { KeyProvider } from '../contracts/key-provider.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { KEY_BYTES } from './derive.ts'
import { wrongKey } from './key-error.ts'
import { unwrapUnder, wrapUnder } from './symmetric-wrap.ts'

export interface PassphraseOptions {
  /** Tells several passphrases of one repository apart, as when one is to take the place of another. Default `passphrase`. */
  readonly name?: string
  /** The cost of trying one: scrypt's N is two to this power, and takes as many KiB of memory. 14 to 20; default 17 (128 MiB, about 0.3 s). */
  readonly cost?: number
}

const SALT_BYTES = 16
const HEAD_BYTES = 1 + SALT_BYTES
const LEAST_COST = 14
const GREATEST_COST = 20
const BLOCK_SIZE = 8
const DEFAULT_COST = 17
const stretched = promisify<Buffer, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt)

/**
 * A passphrase, stretched by scrypt (RFC 7914). Take it from a secret store or a prompt; never from the command line.
 *
 * @throws `E_CONFIG` when it is shorter than eight characters
 */
export function passphrase(text: string, { name = 'passphrase', cost = DEFAULT_COST }: PassphraseOptions = {}): KeyProvider {
  if (typeof text !== 'string' || [...text].length < 8) throw new HoldfastError('E_CONFIG', 'a passphrase needs at least eight characters')
  if (!Number.isInteger(cost) || cost < LEAST_COST || cost > GREATEST_COST)
    throw new HoldfastError('E_CONFIG', `\`cost\` must be a whole number from ${LEAST_COST} to ${GREATEST_COST}`)
  // One text, however the keyboard composed it.
  const bytes = Buffer.from(text.normalize('NFKC'))
  const known = new Map<string, Promise<Buffer>>()
  const stretch = (salt: Buffer, power: number): Promise<Buffer> => {
    const id = `${power} ${salt.toString('hex')}`
    const secret = known.get(id) ?? stretched(bytes, salt, KEY_BYTES, { N: 2 ** power, r: BLOCK_SIZE, p: 1, maxmem: 2 ** power * BLOCK_SIZE * 128 * 2 })
    known.set(id, secret)
    return secret
  }
  return {
    kind: 'passphrase',
    reference: name,
    opens: true,
    async wrap(key, context) {
      const salt = randomBytes(SALT_BYTES)
      return Buffer.concat([Buffer.of(cost), salt, wrapUnder(await stretch(salt, cost), 'passphrase', key, context)])
    },
    async unwrap(wrapped, context) {
      const power = wrapped[0] ?? 0
      // A crafted wrap must not cost more memory than an honest one can.
      const honest = power >= LEAST_COST && power <= GREATEST_COST
      const secret = honest ? await stretch(Buffer.from(wrapped.subarray(1, HEAD_BYTES)), power) : null
      const key = secret && unwrapUnder(secret, 'passphrase', wrapped.subarray(HEAD_BYTES), context)
      if (!key) throw wrongKey(`the passphrase "${name}" is not the one that the key ${context.keyId} was wrapped with`, { reference: name })
      return key
    },
  }
}
