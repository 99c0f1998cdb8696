import type { AbortableOptions } from '../kernel/abort.ts'

/** What a wrapped key belongs to. Authenticated with it, so that a wrap copied elsewhere does not open. */
export interface KeyContext {
  readonly repositoryId: string
  /** The scope whose data it encrypts; null for plans without tenants, and for the key of the repository itself. */
  readonly scope: string | null
  readonly purpose: 'repository' | 'data'
  readonly keyId: string
}

/**
 * Guards the keys of a repository: wraps them when they are made, and unwraps them when something is read or written. Each key is wrapped by every provider that is
 * configured, one to eight of them; any one of them opens it.
 */
export interface KeyProvider {
  /** Stored beside what it wrapped: `key-file`, `passphrase`, `x25519`, `aws-kms`; choose another word for a provider of your own. */
  readonly kind: string
  /** Which of its keys, in clear and without anything secret: a fingerprint, an ARN. A wrap is only ever given to the provider of the same kind and reference. */
  readonly reference: string
  /** False for one that can only wrap: a recipient of whom the public key alone is here. */
  readonly opens: boolean
  /** `key` is 64 bytes. What it returns is stored. */
  wrap(key: Uint8Array, context: KeyContext, options?: AbortableOptions): Promise<Uint8Array>
  /** @throws `E_KEY_WRONG` when the key does not fit, `E_KEY_UNAVAILABLE` when a service cannot be reached */
  unwrap(wrapped: Uint8Array, context: KeyContext, options?: AbortableOptions): Promise<Uint8Array>
}
