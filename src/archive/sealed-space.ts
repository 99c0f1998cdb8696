import type { AbortableOptions } from '../kernel/abort.ts'
import { chunkNameOf, type DataKey, derive, openSegments, openSpan, plainLength, sealSegments, segmentSpan } from '../crypto/index.ts'
import { corrupt } from './archive-error.ts'
import { isSound } from './is-sound.ts'
import type { KeyRing } from './key-ring.ts'
import type { ObjectSpace } from './object-space.ts'
import { decodeSealedPrefix, encodeSealedPrefix, sealedObjectBytes, type SealedPrefix, sealedPrefixBytes } from './sealed-container.ts'
import { sha256 } from './sha256.ts'

/** Prefixes of objects that are read in pieces. */
const KEPT_PREFIXES = 1024

/**
 * The objects of a scope, encrypted on the way in and decrypted on the way out. Sizes, offsets and digests are those of what is inside, so that nobody above has to
 * know; an object that was altered in any way, cut off, swapped or taken from another repository is `E_ARCHIVE_CORRUPT`.
 */
export function createSealedSpace(base: ObjectSpace, keys: KeyRing, resealAfter: number): ObjectSpace {
  const prefixes = new Map<string, SealedPrefix>()
  const objectKey = ({ secret }: DataKey, { salt }: SealedPrefix) => derive(secret, salt, 'object')
  const altered = (object: string) => corrupt(base.label(object), 'was altered, or sealed with another key')

  async function open(object: string, bytes: Uint8Array, options: AbortableOptions): Promise<Uint8Array> {
    const prefix = decodeSealedPrefix(bytes, base.repositoryId, object, base.label(object))
    const key = await keys.byId(prefix.keyId, options)
    const plain = openSegments(objectKey(key, prefix), prefix.additional, bytes.subarray(prefix.bodyOffset))
    if (!plain) throw altered(object)
    keep(object, prefix)
    return plain
  }

  function keep(object: string, prefix: SealedPrefix): void {
    if (prefixes.size === KEPT_PREFIXES && !prefixes.has(object)) prefixes.delete(prefixes.keys().next().value!)
    prefixes.set(object, prefix)
  }

  async function prefixOf(object: string, options: AbortableOptions): Promise<SealedPrefix> {
    const known = prefixes.get(object)
    if (known) return known
    const decode = (bytes: Uint8Array) => decodeSealedPrefix(bytes, base.repositoryId, object, base.label(object))
    const accept = (bytes: Uint8Array) => isSound(() => decode(bytes))
    const prefix = decode(await base.getRange(object, 0, sealedPrefixBytes(base.repositoryId, object), { ...options, accept }))
    keep(object, prefix)
    return prefix
  }

  /** Of what is inside; -1 when nothing sealed can have that size. */
  const inside = (object: string, bytes: number): number => plainLength(bytes - sealedPrefixBytes(base.repositoryId, object)) ?? -1

  return {
    ...base,
    chunkNamer: async (options) => {
      const key = await keys.current(options)
      return (plainSha256) => chunkNameOf(key, plainSha256)
    },
    seals: {
      async of(objects, options = {}) {
        const ids: string[] = []
        for (const object of objects) ids.push((await prefixOf(object, options)).keyId)
        const ages = await Promise.all(ids.map((id) => keys.renewalsSince(id, options)))
        return ids[ages.indexOf(Math.max(...ages))]!
      },
      outworn: async (keyId, options) => (await keys.renewalsSince(keyId, options)) > resealAfter,
    },
    async get(object, { limit, signal, accept }) {
      const sound = (bytes: Uint8Array) =>
        isSound(async () => {
          const plain = await open(object, bytes, { signal })
          if (accept && !(await accept(plain))) throw altered(object)
        })
      const bytes = await base.get(object, { limit: sealedObjectBytes(base.repositoryId, object, limit), signal, accept: sound })
      return open(object, bytes, { signal })
    },
    async getRange(object, start, end, options = {}) {
      const prefix = await prefixOf(object, options)
      const key = await keys.byId(prefix.keyId, options)
      const { first, from, to, skip } = segmentSpan(start, end)
      const openPart = (sealed: Uint8Array) => openSpan(objectKey(key, prefix), prefix.additional, sealed, first)
      const sealed = await base.getRange(object, prefix.bodyOffset + from, prefix.bodyOffset + to, { ...options, accept: (bytes) => openPart(bytes) !== null })
      const plain = openPart(sealed)
      if (!plain) throw altered(object)
      return plain.subarray(skip, skip + end - start)
    },
    async stat(object, options) {
      const stat = await base.stat(object, options)
      return stat && { ...stat, bytes: inside(object, stat.bytes) }
    },
    async *list(objectPrefix, options) {
      for await (const stat of base.list(objectPrefix, options)) yield { ...stat, bytes: inside(stat.key, stat.bytes) }
    },
    async putNew(object, body, _digest, { same, limit, signal }) {
      const key = await keys.current({ signal, create: true })
      const prefix = encodeSealedPrefix(key.id, base.repositoryId, object)
      const pieces = [prefix.bytes, ...sealSegments(objectKey(key, prefix), prefix.additional, body)]
      const outcome = await base.putNew(object, pieces, sha256(pieces), {
        same: async (existing) => same(await open(object, existing, { signal })),
        limit: sealedObjectBytes(base.repositoryId, object, limit),
        signal,
        transfer: true,
      })
      if (outcome === 'written') keep(object, prefix)
      return outcome
    },
  }
}
