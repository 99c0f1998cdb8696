import type { AbortableOptions } from '../kernel/abort.ts'
import { isUuid } from '../kernel/ids.ts'
import { missing } from './archive-error.ts'
import { getJsonObject, getJsonText, putJsonObject } from './json-object.ts'
import type { RestorePart, ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'

/** What restores leave in the repository, under ids that are UUIDs; create-only. The values are plain JSON, or `CanonicalJson`, at most 64 MiB as text; the restore engine knows their shape. */
export interface RestoreLog {
  writeResult(restoreId: string, result: unknown, options?: AbortableOptions): Promise<void>
  /** `E_ARCHIVE_MISSING` when there is none. */
  readResult(restoreId: string, options?: AbortableOptions): Promise<unknown>
  writeDiagnostics(restoreId: string, diagnostics: unknown, options?: AbortableOptions): Promise<void>
  readDiagnostics(restoreId: string, options?: AbortableOptions): Promise<unknown>
  /** A numbered object of a plan or an undo. */
  writePart(restoreId: string, part: RestorePart, n: number, value: unknown, options?: AbortableOptions): Promise<void>
  readPart(restoreId: string, part: RestorePart, n: number, options?: AbortableOptions): Promise<unknown>
  /** The same as JSON text. */
  readPartText(restoreId: string, part: RestorePart, n: number, options?: AbortableOptions): Promise<Uint8Array>
  /** Ids of restores that left anything, in order of time. */
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
    async writePart(restoreId, part, n, value, options) {
      await putJsonObject(space, names.restorePart(known(restoreId), part, n), 'restore', value, options)
    },
    readPart: async (restoreId, part, n, options) => getJsonObject(space, names.restorePart(known(restoreId), part, n), 'restore', options),
    readPartText: async (restoreId, part, n, options) => getJsonText(space, names.restorePart(known(restoreId), part, n), 'restore', options),
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
