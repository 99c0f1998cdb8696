import type { KeyProvider } from '../contracts/key-provider.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'

/** Encrypts everything that a repository holds, names of entities and records included. Chosen when it is made; it cannot be added later. */
export interface EncryptionOptions {
  /** One to eight; any one of them opens the repository. At least one must be able to open. Have one more than you use, and keep it elsewhere. */
  readonly providers: readonly KeyProvider[]
}

const MOST = 8

/** @throws `E_CONFIG` */
export function assertEncryption(options: EncryptionOptions): void {
  assertKnownOptions(options, ['providers'], '`encryption`')
  const { providers } = options
  if (!Array.isArray(providers) || providers.length === 0 || providers.length > MOST)
    throw new HoldfastError('E_CONFIG', `\`encryption.providers\` takes one to ${MOST} key providers`, { hint: 'For example: [await keyFile(path)].' })
  const names = new Set<string>()
  for (const provider of providers as readonly Partial<KeyProvider>[]) {
    const { kind, reference, wrap, unwrap } = provider ?? {}
    if (typeof kind !== 'string' || typeof reference !== 'string' || typeof wrap !== 'function' || typeof unwrap !== 'function')
      throw new HoldfastError('E_CONFIG', '`encryption.providers` holds something that is no key provider', {
        hint: '`keyFile` and others are asynchronous: await them.',
      })
    const name = `${kind} ${reference}`
    if (names.size === names.add(name).size) throw new HoldfastError('E_CONFIG', `\`encryption.providers\` names ${name} twice`)
  }
  if (!providers.some(({ opens }) => opens))
    throw new HoldfastError('E_CONFIG', 'no provider of `encryption.providers` can open anything: of recipients the public keys alone are here', {
      hint: 'Add one that opens: a key file, a passphrase, a key service.',
    })
}
