import type { AbortableOptions } from '../kernel/abort.ts'
import { isUuid } from '../kernel/ids.ts'
import { missing } from './archive-error.ts'
import { getJsonObject, putJsonObject } from './json-object.ts'
import type { ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'

/** What restores leave in the repository, under ids that are UUIDs; create-only. The values are plain JSON, at most 64 MiB as text; the restore engine knows their shape. */
export interface RestoreLog {
  writeResult(restoreId: string, result: unknown, options?: AbortableOptions): Promise<void>
  /** `E_ARCHIVE_MISSING` when there is none. */
  readResult(restoreId: string, options?: AbortableOptions): Promise<unknown>
  writeDiagnostics(restoreId: string, diagnostics: unknown, options?: AbortableOptions): Promise<void>
  readDiagnostics(restoreId: string, options?: AbortableOptions): Promise<unknown>
  /** Ids of restores that left a result or diagnostics, in order of time. */
  list(options?: AbortableOptions): AsyncIterable<{ readonly restoreId: string }>
}

export function createRestoreLog(space: ObjectSpace, names: ScopeNames): RestoreLog {
  const known = (restoreId: string) => {
    if (!isUuid(restoreId)) throw missing(space.label(`restore ${restoreId.slice(0, 100)}`))
    return restoreId
  }
  return {
    async writeResult(restoreId, result, options) {
      await putJsonObject(space, names.restoreResult(known(restoreId)), 'restore', result, options)
    },
    readResult: async (restoreId, options) => getJsonObject(space, names.restoreResult(known(restoreId)), 'restore', options),
    async writeDiagnostics(restoreId, diagnostics, options) {
      await putJsonObject(space, names.restoreDiagnostics(known(restoreId)), 'diagnostics', diagnostics, options)
    },
    readDiagnostics: async (restoreId, options) => getJsonObject(space, names.restoreDiagnostics(known(restoreId)), 'diagnostics', options),
    async *list(options) {
      const root = names.restores().length
      let previous = ''
      for await (const { key } of space.list(names.restores(), options)) {
        const [restoreId = ''] = key.slice(root).split('/', 1)
        if (restoreId === previous || !isUuid(restoreId)) continue
        previous = restoreId
        yield { restoreId }
      }
    },
  }
}
