import { createHash } from 'node:crypto'
import type { ObjectStat, StorageAdapter } from '../contracts/storage-adapter.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { mapOrdered } from '../kernel/map-ordered.ts'

/** Objects copied at once; each is in memory as a whole. */
const PARALLEL = 4

const MANIFEST = /(?:^|\/)snapshots\/[^/]+\/manifest$/

/** Makes a snapshot visible, so it may be anywhere only after everything that it refers to. */
export function isCommitPoint(key: string): boolean {
  return MANIFEST.test(key)
}

export type ObjectDifference =
  | { readonly kind: 'missing' | 'same'; readonly source: ObjectStat }
  /** The same name, in another size. */
  | { readonly kind: 'differs'; readonly source: ObjectStat }
  | { readonly kind: 'extra'; readonly key: string }

/** Holds two listings beside each other, in the order of the names. Contents are not read. */
export async function* compareListings(from: StorageAdapter, to: StorageAdapter, prefix: string, options: AbortableOptions): AsyncGenerator<ObjectDifference> {
  const there = to.list(prefix, options)[Symbol.asyncIterator]()
  try {
    let other = await there.next()
    for await (const source of from.list(prefix, options)) {
      throwIfAborted(options.signal)
      for (; !other.done && other.value.key < source.key; other = await there.next()) yield { kind: 'extra', key: other.value.key }
      if (other.done || other.value.key !== source.key) {
        yield { kind: 'missing', source }
        continue
      }
      yield { kind: other.value.bytes === source.bytes ? 'same' : 'differs', source }
      other = await there.next()
    }
    for (; !other.done; other = await there.next()) yield { kind: 'extra', key: other.value.key }
  } finally {
    await there.return?.()
  }
}

/** Do both hold the same bytes under the name? */
export async function holdsSame(from: StorageAdapter, to: StorageAdapter, key: string, options: AbortableOptions): Promise<boolean> {
  const [ours, theirs] = await Promise.all([from.get(key, options), to.get(key, options)])
  return digest(ours) === digest(theirs)
}

/**
 * Copies one object create-only, and reads it back. `E_STORAGE_EXISTS` when other bytes stand under the name, `E_STORAGE` when it reads back as something else.
 * Gives its size; null when it is gone from the source, where something may be pruned meanwhile.
 */
export async function copyObject(from: StorageAdapter, to: StorageAdapter, key: string, options: AbortableOptions): Promise<number | null> {
  const bytes = await from.get(key, options).catch((error: unknown) => {
    if (isHoldfastError(error, 'E_ARCHIVE_MISSING')) return null
    throw error
  })
  if (!bytes) return null
  const sha256 = digest(bytes)
  const taken = await to.put(key, bytes, { ...options, ifAbsent: to.capabilities.conditionalPut, sha256 }).then(
    () => false,
    (error: unknown) => {
      if (isHoldfastError(error, 'E_STORAGE_EXISTS')) return true
      throw error
    },
  )
  if (digest(await to.get(key, options)) === sha256) return bytes.byteLength
  if (taken)
    throw new HoldfastError('E_STORAGE_EXISTS', `${to.name} holds another ${key} than ${from.name}`, {
      hint: 'Copy to a location of its own, or remove what is damaged there.',
      details: { key },
    })
  throw new HoldfastError('E_STORAGE', `${key} reads back from ${to.name} as something else than was stored`, { details: { key, fatal: true } })
}

/** Copies the objects in their order, several at once, all but commit points; then, when all of these are there, the commit points. Calls `copied` for each. */
export async function copyInOrder(
  from: StorageAdapter,
  to: StorageAdapter,
  missing: AsyncIterable<ObjectStat> | Iterable<ObjectStat>,
  options: AbortableOptions,
  copied: (key: string, bytes: number) => void,
): Promise<void> {
  const last: string[] = []
  async function* ordinary(): AsyncGenerator<string> {
    for await (const { key } of missing)
      if (isCommitPoint(key)) last.push(key)
      else yield key
  }
  for (const keys of [ordinary(), last]) {
    for await (const { key, bytes } of mapOrdered(keys, PARALLEL, async (key) => ({ key, bytes: await copyObject(from, to, key, options) }))) {
      throwIfAborted(options.signal)
      if (bytes !== null) copied(key, bytes)
    }
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
