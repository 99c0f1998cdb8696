import type { KeyProvider } from '../contracts/key-provider.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'

/** Encrypts everything that a repository holds, names of entities and records included. Chosen when it is made; it cannot be added later. */
export interface EncryptionOptions {
  /** One to eight; any one of them opens the repository. At least one must be able to open. Have one more than you use, and keep it elsewhere. */
  readonly providers: readonly KeyProvider[]
  /**
   * How many renewals of the data key a chunk may be behind. A backup that uses one again that is further behind reads it and seals it anew, beside the old one, which stays as long as older
   * snapshots refer to it: all chunks once, so after that many renewals a run takes as long and as much room as a full one. 0: behind no renewal. Default 1.
   */
  readonly resealAfter?: number
}

const MOST = 8
const MOST_EPOCHS = 9999
const RESEAL_AFTER = 1

/** `sealOnly`: what is written is for others, so that nobody here has to be able to open it. @throws `E_CONFIG` */
export function assertEncryption(options: EncryptionOptions, sealOnly = false): void {
  assertKnownOptions(options, ['providers', 'resealAfter'], '`encryption`')
  const { providers } = options
  const after = resealAfter(options)
  if (!Number.isInteger(after) || after < 0 || after > MOST_EPOCHS)
    throw new HoldfastError('E_CONFIG', `\`encryption.resealAfter\` is ${String(after)}; expected a whole number from 0 to ${MOST_EPOCHS}`)
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
  if (!sealOnly && !providers.some(({ opens }) => opens))
    throw new HoldfastError('E_CONFIG', 'no provider of `encryption.providers` can open anything: of recipients the public keys alone are here', {
      hint: 'Add one that opens: a key file, a passphrase, a key service.',
    })
}

export function resealAfter({ resealAfter: after = RESEAL_AFTER }: EncryptionOptions): number {
  return after
}
