import type { AbortableOptions } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { putJsonObject } from './json-object.ts'
import type { KeyRing } from './key-ring.ts'
import { SCOPES, scopeMark } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'

/** Which tenants have a sub-repository, by id. What walks over all of them (prune, wrapping keys anew) could miss none. */
export interface ScopeRegister {
  /** Before the first object of the scope is stored. Noting it again changes nothing. @throws as `KeyRing.assertProviders` */
  note(id: string, options?: AbortableOptions): Promise<void>
  has(id: string, options?: AbortableOptions): Promise<boolean>
  list(options?: AbortableOptions): AsyncIterable<string>
}

const SCOPE_ID = /^[0-9a-f]{32}$/

/**
 * `space`: that of the repository, not sealed. An id says nothing of the name. `keys`: of the repository, where it is encrypted. A tenant gets a key next to being noted, so the providers are
 * tried before: one that is refused leaves no trace.
 */
export function createScopeRegister(space: ObjectSpace, keys: Pick<KeyRing, 'assertProviders'> | null): ScopeRegister {
  return {
    async note(id, options = {}) {
      const object = scopeMark(id)
      if (await space.stat(object, options)) return
      await keys?.assertProviders({ ...options, fresh: true })
      try {
        await putJsonObject(space, object, 'scope', { scope: id }, options)
      } catch (error) {
        // The name says it all.
        if (!isHoldfastError(error, 'E_STORAGE_EXISTS') && !isHoldfastError(error, 'E_ARCHIVE_CORRUPT')) throw error
      }
    },
    has: async (id, options = {}) => (await space.stat(scopeMark(id), options)) !== null,
    async *list(options) {
      for await (const { key } of space.list(SCOPES, options)) {
        const id = key.slice(SCOPES.length)
        if (SCOPE_ID.test(id)) yield id
      }
    },
  }
}
