import type { AbortableOptions } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { isUuid } from '../kernel/ids.ts'
import { putJsonObject } from './json-object.ts'
import type { ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'

/**
 * Other repositories whose manifests refer to chunks of this one: a plan may keep the chunks of single entities in another bucket. A prune that cannot see
 * all of them cannot know what is needed.
 */
export interface ReferrerLog {
  /** Noting it again changes nothing. */
  note(repositoryId: string, options?: AbortableOptions): Promise<void>
  list(options?: AbortableOptions): AsyncIterable<string>
}

export function createReferrerLog(space: ObjectSpace, names: ScopeNames): ReferrerLog {
  return {
    async note(repositoryId, options = {}) {
      const object = names.referrer(repositoryId)
      if (await space.stat(object, options)) return
      try {
        await putJsonObject(space, object, 'referrer', { repositoryId }, options)
      } catch (error) {
        // The name says it all.
        if (!isHoldfastError(error, 'E_STORAGE_EXISTS') && !isHoldfastError(error, 'E_ARCHIVE_CORRUPT')) throw error
      }
    },
    async *list(options) {
      const root = names.referrers().length
      for await (const { key } of space.list(names.referrers(), options)) {
        const repositoryId = key.slice(root)
        if (isUuid(repositoryId)) yield repositoryId
      }
    },
  }
}
