import { type Command, InvalidArgumentError } from 'commander'
import { resolve } from 'node:path'
import { type KeyProvider, keyFile, passphrase, recipient, recipientFile } from '../crypto/encryption.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { collected } from './option-values.ts'
import type { Surroundings } from './surroundings.ts'

export interface KeyOptions {
  readonly recipient?: readonly string[]
  readonly identity?: readonly string[]
  readonly keyFile?: readonly string[]
  readonly passphraseEnv?: string
}

/** Who can open what is written. A public key is no secret; nothing else of a key stands on the command line. */
export function addRecipientOptions(command: Command): Command {
  const key = (text: string, known: readonly string[] = []) => {
    if (!text.startsWith('holdfast-x25519:')) throw new InvalidArgumentError('Expected a public key: holdfast-x25519:….')
    return [...known, text]
  }
  return addSharedOptions(
    command.option('--recipient <public key>', 'somebody who can open it: holdfast-x25519:…; may be given several times', key),
    'can open it',
  )
}

/** What opens what is read. */
export function addIdentityOptions(command: Command): Command {
  const identity = command.option('--identity <file>', 'file with the private key of a recipient; may be given several times', collected)
  return addSharedOptions(identity, 'opens it')
}

function addSharedOptions(command: Command, does: string): Command {
  return command
    .option('--key-file <file>', `key file that ${does}; may be given several times`, collected)
    .option('--passphrase-env <name>', `variable of the environment that holds a passphrase that ${does}`)
}

/** Undefined when none of the options was given. Files are meant from the working directory. */
export async function keyProviders(options: KeyOptions, { env, cwd }: Pick<Surroundings, 'env' | 'cwd'>): Promise<readonly KeyProvider[] | undefined> {
  const providers: KeyProvider[] = (options.recipient ?? []).map((publicKey) => recipient({ publicKey }))
  for (const file of options.identity ?? []) providers.push(await recipientFile(resolve(cwd, file)))
  for (const file of options.keyFile ?? []) providers.push(await keyFile(resolve(cwd, file)))
  if (options.passphraseEnv !== undefined) {
    const text = env[options.passphraseEnv]
    if (text === undefined || text === '')
      throw new HoldfastError('E_CONFIG', `the variable ${options.passphraseEnv} is not set, which should hold the passphrase`)
    providers.push(passphrase(text))
  }
  return providers.length === 0 ? undefined : providers
}
