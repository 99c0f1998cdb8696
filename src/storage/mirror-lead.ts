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
    const open = followers.filter((copy) => !known.has(copy) && (copy.required || copy.state !== 'behind'))
    if (open.length === 0) return
    let ours = await held(first, file, options)
    for (const copy of open) {
      const theirs = await ask(copy, () => held(copy.storage, file, options), options)
      if (theirs === undefined) continue
      // Another process may have made it between the two looks: the first storage always has it first.
      if (theirs !== null) ours ??= await held(first, file, options)
      if (theirs !== null && ours === null) throw leadsNothing(first, copy.storage, file)
      // Without it there it comes with the next commit, from the first.
      if (ours !== null && (theirs === null || isSame(copy, ours, theirs, file))) known.add(copy)
    }
  }

  /** False of a copy that is left behind. */
  function isSame(copy: MirrorCopy, ours: Uint8Array, theirs: Uint8Array, file: string): boolean {
    if (Buffer.compare(theirs, ours) === 0) return true
    const [our, their] = [idIn(ours), idIn(theirs)]
    const error =
      our !== null && their !== null && our !== their
        ? new HoldfastError('E_CONFIG', `mirrorStorage: ${file} in ${copy.storage.name} is of another repository than that in ${first.name}`, {
            hint: 'Give each copy a place of its own.',
          })
        : damaged(our === null ? first : copy.storage, file)
    if (copy.required || our === null) throw error
    leaveBehind(copy, error)
    return false
  }

  return async (key, options) => {
    const file = repositoryFileOf(key)
    if (file === null) return
    await assertSameRepository(file, options)
    if (!isWrappedKey(key) || (await first.stat(key, options))) return
    for (const copy of followers) {
      if (!(await ask(copy, () => copy.storage.stat(key, options), options))) continue
      if (!(await first.stat(key, options))) throw leadsNothing(first, copy.storage, key)
    }
  }
}

/** Null when the file is damaged. */
function idIn(file: Uint8Array): string | null {
  try {
    const { repositoryId } = JSON.parse(Buffer.from(file).toString()) as { readonly repositoryId?: unknown }
    return typeof repositoryId === 'string' ? repositoryId : null
  } catch {
    return null
  }
}

function damaged(storage: StorageAdapter, file: string): HoldfastError {
  return new HoldfastError('E_STORAGE', `mirrorStorage: ${file} is damaged in ${storage.name}`, {
    hint: 'Put the one of a sound copy there: it is the same in all of them, and never changes.',
    details: { transient: false },
  })
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
