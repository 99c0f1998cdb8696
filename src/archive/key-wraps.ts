import type { KeyContext, KeyProvider } from '../contracts/key-provider.ts'
import { type DataKey, keyBytes, keyFrom } from '../crypto/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { KeyRecord, KeyWrap } from './key-record.ts'
import type { ObjectSpace } from './object-space.ts'

/** A key, and the object that it was read from. */
export interface StoredKey extends KeyRecord {
  readonly object: string
}

/** Keys as the configured providers wrap and open them. */
export interface KeyWraps {
  make(key: DataKey, of: Pick<KeyContext, 'purpose' | 'scope'>, options: AbortableOptions): Promise<readonly KeyWrap[]>
  /** By the first provider that can. @throws `E_KEY_MISSING`, `E_KEY_WRONG`, `E_KEY_UNAVAILABLE` */
  open(record: StoredKey, options: AbortableOptions): Promise<DataKey>
  /**
   * Each provider that the record names, and that is one that opens, opens it. To be asked before anything is wrapped: where another provider opens everything, nobody notices that
   * one has the wrong secret, until what it wrapped is needed. Each wrap is proved once.
   *
   * @throws `E_KEY_WRONG`, and whatever else keeps a provider from opening
   */
  assertOpenedByEach(record: StoredKey, options: AbortableOptions): Promise<void>
}

const WRONG =
  'Configure the right one. To change a passphrase, put the new one beside the old one under a name of its own, `passphrase(text, { name })`, and rewrap; then drop the old one and rewrap again. Of one that nobody knows any more: leave it out and rewrap, then add another and rewrap.'

export function createKeyWraps(providers: readonly KeyProvider[], space: Pick<ObjectSpace, 'label' | 'repositoryId'>): KeyWraps {
  /** By the wraps themselves: a service is asked, and a passphrase stretched, once for each. */
  const proved = new Set<string>()
  const opening = providers.filter(({ opens }) => opens)
  const contextOf = ({ purpose, scope }: Pick<KeyContext, 'purpose' | 'scope'>, keyId: string): KeyContext => ({
    repositoryId: space.repositoryId,
    scope,
    purpose,
    keyId,
  })

  async function openBy(provider: KeyProvider, { wrapped }: KeyWrap, record: StoredKey, options: AbortableOptions): Promise<DataKey> {
    const bytes = await provider.unwrap(Buffer.from(wrapped, 'base64'), contextOf(record, record.keyId), options)
    const key = keyFrom(bytes, record.keyId, record.commitment)
    if (!key) throw new HoldfastError('E_KEY_WRONG', `${nameOf(provider)} opens another key than ${space.label(record.object)} holds`)
    proved.add(wrapped)
    return key
  }

  return {
    async make(key, of, options) {
      const wraps: KeyWrap[] = []
      for (const provider of providers) {
        const wrapped = Buffer.from(await provider.wrap(keyBytes(key), contextOf(of, key.id), options)).toString('base64')
        // What was just wrapped says nothing of another secret, and a writer for others may not be allowed to open it.
        proved.add(wrapped)
        wraps.push({ kind: provider.kind, reference: provider.reference, wrapped })
      }
      return wraps
    },
    async open(record, options) {
      const failures: unknown[] = []
      for (const provider of opening) {
        const wrap = wrapFor(provider, record)
        if (!wrap) continue
        try {
          return await openBy(provider, wrap, record, options)
        } catch (error) {
          failures.push(error)
        }
      }
      // A service that is down may yet open it: that is worth more than to hear that another provider does not.
      const worst = failures.find((error) => isHoldfastError(error, 'E_KEY_UNAVAILABLE')) ?? failures[0]
      if (worst) throw worst
      throw noneOpens(record, providers, space.label(record.object))
    },
    async assertOpenedByEach(record, options) {
      for (const provider of opening) {
        const wrap = wrapFor(provider, record)
        if (!wrap || proved.has(wrap.wrapped)) continue
        try {
          await openBy(provider, wrap, record, options)
        } catch (error) {
          throw isHoldfastError(error, 'E_KEY_WRONG') ? refused(provider, record, space.label(record.object), error) : error
        }
      }
    },
  }
}

function refused(provider: KeyProvider, record: StoredKey, label: string, cause: HoldfastError): HoldfastError {
  return new HoldfastError(
    'E_KEY_WRONG',
    `${nameOf(provider)} is configured, and does not open what ${label} holds under that name: no key is wrapped with it`,
    {
      hint: WRONG,
      details: { object: record.object, provider: nameOf(provider) },
      cause,
    },
  )
}

function noneOpens(record: StoredKey, providers: readonly KeyProvider[], label: string): HoldfastError {
  const openedBy = record.wraps.map(nameOf)
  // Of a recipient whose public key alone is here, one name stands on both sides.
  const locked = providers.filter((provider) => !provider.opens && wrapFor(provider, record)).map(nameOf)
  const half = locked.length === 0 ? '' : ` Of ${locked.join(', ')} only the public key is here, which opens nothing.`
  const hint = `What is configured is another key than those that open it. One of these is needed: ${openedBy.join(', ')}.${half}`
  return new HoldfastError('E_KEY_MISSING', `${label} can be opened by ${openedBy.join(', ')}; configured: ${providers.map(nameOf).join(', ')}`, {
    hint,
    details: { object: record.object, openedBy },
  })
}

function wrapFor({ kind, reference }: KeyProvider, { wraps }: KeyRecord): KeyWrap | undefined {
  return wraps.find((wrap) => wrap.kind === kind && wrap.reference === reference)
}

function nameOf({ kind, reference }: Pick<KeyWrap, 'kind' | 'reference'>): string {
  return `${kind} ${reference}`
}
