import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { KeyContext, KeyProvider } from '../contracts/key-provider.ts'
import { canonicalJson } from '../kernel/canonical-json.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { openBytes, sealBytes } from './aead.ts'
import { derive } from './derive.ts'
import { wrongKey } from './key-error.ts'
import { writeSecretFile, readSecretFile } from './secret-file.ts'

export interface RecipientKeys {
  /** `holdfast-x25519:…`; may be known to anyone. */
  readonly publicKey: string
  /** `holdfast-x25519-secret:…` */
  readonly privateKey: string
}

const POINT_BYTES = 32
const HINTS = {
  absent: 'Check the path. It holds the private key of the one for whom a bundle or a repository was sealed.',
  other: 'A private key of a recipient is wanted, as `holdfast keys recipient <file>` writes it.',
}
const SECRET_LINE = /^holdfast-x25519-secret:[A-Za-z0-9_-]{43}$/
const PUBLIC = 'holdfast-x25519:'
const PRIVATE = 'holdfast-x25519-secret:'
/** Each wrap has a key of its own, since the other half of the exchange is new each time. */
const NONCE = Buffer.alloc(12)
const SPKI = Buffer.from('302a300506032b656e032100', 'hex')
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** A new pair of keys. Keep the private one offline: it opens what the public one was a recipient of. */
export function generateRecipient(): RecipientKeys {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  return {
    publicKey: PUBLIC + rawPublic(publicKey).toString('base64url'),
    privateKey: PRIVATE + privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8.byteLength).toString('base64url'),
  }
}

/**
 * Makes a pair of keys and writes the private one into a new file that nobody else may read. Gives the public one.
 *
 * @throws `E_CONFIG` when the file exists: nothing is ever written over a key
 */
export async function generateRecipientFile(path: string): Promise<string> {
  const { publicKey, privateKey } = generateRecipient()
  await writeSecretFile(path, `${privateKey}\n`)
  return publicKey
}

/**
 * The holder of the private key in a file that `generateRecipientFile` made. The file is read at once.
 *
 * @throws `E_KEY_MISSING` when it cannot be read, `E_CONFIG` when it holds no such key or others than its owner may read it
 */
export async function recipientFile(path: string): Promise<KeyProvider> {
  return recipient({ privateKey: await readSecretFile(path, SECRET_LINE, HINTS) })
}

/**
 * A holder of an X25519 key (RFC 7748): one for emergencies, whose private key lies in a safe. With the public key alone it can only wrap, and another provider
 * has to open. Whoever can write to the storage and knows the public key could make a repository of their own for it: where that matters,
 * let a key file, a passphrase or a key service be the first provider.
 *
 * @throws `E_CONFIG`
 */
export function recipient(key: { readonly publicKey: string } | { readonly privateKey: string }): KeyProvider {
  const secret = 'privateKey' in key ? createPrivateKey({ key: der(key.privateKey, PRIVATE, PKCS8), format: 'der', type: 'pkcs8' }) : null
  const mine = secret
    ? createPublicKey(secret)
    : createPublicKey({ key: der((key as { publicKey: string }).publicKey, PUBLIC, SPKI), format: 'der', type: 'spki' })
  const point = rawPublic(mine)
  const reference = derive(point, '', 'fingerprint').toString('hex', 0, 8)
  const sharedKey = (own: KeyObject, other: KeyObject, ephemeral: Uint8Array) =>
    derive(diffieHellman({ privateKey: own, publicKey: other }), Buffer.concat([ephemeral, point]), 'x25519')
  return {
    kind: 'x25519',
    reference,
    opens: secret !== null,
    async wrap(plain, context) {
      const once = generateKeyPairSync('x25519')
      const ephemeral = rawPublic(once.publicKey)
      return Buffer.concat([ephemeral, sealBytes(sharedKey(once.privateKey, mine, ephemeral), NONCE, plain, additional(context))])
    },
    async unwrap(wrapped, context) {
      if (!secret) throw new HoldfastError('E_KEY_MISSING', `only the public key of the recipient ${reference} is here`, { details: { reference } })
      const ephemeral = wrapped.subarray(0, POINT_BYTES)
      const opened = ephemeral.byteLength === POINT_BYTES ? open(ephemeral, wrapped.subarray(POINT_BYTES), context) : null
      if (!opened) throw wrongKey(`the private key of the recipient ${reference} does not open what was wrapped for it`, { reference })
      return opened
    },
  }

  function open(ephemeral: Uint8Array, body: Uint8Array, context: KeyContext): Buffer | null {
    const theirs = createPublicKey({ key: Buffer.concat([SPKI, ephemeral]), format: 'der', type: 'spki' })
    try {
      return openBytes(sharedKey(secret!, theirs, ephemeral), NONCE, body, additional(context))
    } catch {
      return null // a point of low order, which no honest writer makes
    }
  }
}

function der(text: string, head: string, frame: Buffer): Buffer {
  const raw = Buffer.from(typeof text === 'string' && text.startsWith(head) ? text.slice(head.length) : '', 'base64url')
  if (raw.byteLength !== POINT_BYTES) throw new HoldfastError('E_CONFIG', `a key of the form ${head}… was expected`)
  return Buffer.concat([frame, raw])
}

function rawPublic(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(SPKI.byteLength)
}

function additional(context: KeyContext): Buffer {
  return Buffer.from(canonicalJson(context))
}
