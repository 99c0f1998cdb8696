import type { StorageAdapter } from '../contracts/storage-adapter.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import type { MirrorCopy } from './mirror-copy.ts'
import { isWrappedKey, repositoryFileOf } from './repository-identity.ts'

/** @throws `E_CONFIG` */
export type LeadGuard = (key: string, options: AbortableOptions) => Promise<void>

/**
 * A first storage that lost what it had, or that is new and stands before one that is in use, must not lead: it would say that no name is taken, and that there are no keys. So before the first
 * object of a repository is stored by this process, every copy that answers is asked which repository it holds, and before a key, whether one of them has it.
 */
export function createLeadGuard(first: StorageAdapter, followers: readonly MirrorCopy[], leaveBehind: (copy: MirrorCopy, error: unknown) => void): LeadGuard {
  const proved = new Map<string, Set<MirrorCopy>>()

  /** Undefined of a copy that is away, and may be: what it misses is brought there later, and nothing there replaced. */
  async function ask<T>(copy: MirrorCopy, work: () => Promise<T>, { signal }: AbortableOptions): Promise<T | undefined> {
    if (!copy.required && copy.state === 'behind') return undefined
    try {
      return await work()
    } catch (error) {
      throwIfAborted(signal)
      if (copy.required) throw error
      leaveBehind(copy, error)
      return undefined
    }
  }

  async function assertSameRepository(file: string, options: AbortableOptions): Promise<void> {
    const known = proved.get(file) ?? new Set()
    proved.set(file, known)
    const open = followers.filter((copy) => !known.has(copy))
    if (open.length === 0) return
    const ours = await held(first, file, options)
    for (const copy of open) {
      const theirs = await ask(copy, () => held(copy.storage, file, options), options)
      if (theirs === undefined) continue
      if (theirs !== null && ours === null) throw leadsNothing(first, copy.storage, file)
      if (theirs !== null && ours !== null && Buffer.compare(theirs, ours) !== 0) {
        throw new HoldfastError('E_CONFIG', `mirrorStorage: ${file} in ${copy.storage.name} is of another repository than that in ${first.name}`, {
          hint: 'Give each copy a place of its own.',
        })
      }
      // Without it there it comes with the next commit, from the first.
      if (ours !== null) known.add(copy)
    }
  }

  return async (key, options) => {
    const file = repositoryFileOf(key)
    if (file === null) return
    await assertSameRepository(file, options)
    if (!isWrappedKey(key) || (await first.stat(key, options))) return
    for (const copy of followers) if (await ask(copy, () => copy.storage.stat(key, options), options)) throw leadsNothing(first, copy.storage, key)
  }
}

async function held(storage: StorageAdapter, key: string, { signal }: AbortableOptions): Promise<Uint8Array | null> {
  try {
    return await storage.get(key, { signal })
  } catch (error) {
    if (isHoldfastError(error, 'E_ARCHIVE_MISSING')) return null
    throw error
  }
}

function leadsNothing(first: StorageAdapter, other: StorageAdapter, key: string): HoldfastError {
  return new HoldfastError('E_CONFIG', `mirrorStorage: ${first.name}, which leads, has no ${key}, and ${other.name} has one`, {
    hint: `If ${first.name} lost what it had, bring it back first, or copy it there with migrateStorage({ from, to }). If it is new, put it behind ${other.name} in \`copies\`: \`catchUp()\` fills it.`,
  })
}
