import { Type } from 'typebox'
import type { AbortableOptions } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { isUuid, uuidv7 } from '../kernel/ids.ts'
import { missing } from './archive-error.ts'
import { createCheck } from './checked-schema.ts'
import { getJsonObject, putJsonObject } from './json-object.ts'
import { UuidSchema } from './manifest-schema.ts'
import type { CondemnedPart, ScopeNames } from './object-names.ts'
import type { ObjectSpace } from './object-space.ts'
import { putProven } from './put-proven.ts'

/** What one prune found that nothing refers to. A later one, after the grace period, looks again and deletes what is still so. */
export interface CondemnedList {
  readonly listId: string
  /** Hidden snapshots. */
  readonly snapshots: readonly string[]
  /** Names of chunks. */
  readonly chunks: readonly string[]
}

/** One folder of the log, by the storage's clock. `run` alone: of a prune that works or was killed. */
export interface CondemnedEntry {
  readonly listId: string
  readonly runAt: number | null
  readonly storedAt: number | null
  readonly sweptAt: number | null
}

/** What prunes tell writers, and later prunes, in one scope. */
export interface CondemnedLog {
  /** Leaves a mark and reads when it was stored: the storage's own "now". `id` names the mark and the list that this run may publish. */
  begin(options?: AbortableOptions): Promise<{ readonly id: string; readonly now: number }>
  publish(list: CondemnedList, options?: AbortableOptions): Promise<void>
  /** In order of time. */
  list(options?: AbortableOptions): AsyncIterable<CondemnedEntry>
  /** `E_ARCHIVE_CORRUPT` when it cannot be trusted: neither prunes nor writers may go on then. */
  read(listId: string, options?: AbortableOptions): Promise<CondemnedList>
  /** All that the list names was deleted, or found to be needed after all. */
  markSwept(listId: string, options?: AbortableOptions): Promise<void>
}

/** The names that a writer must not use. */
export interface CondemnedNames {
  /** As of the first call. */
  known(options?: AbortableOptions): Promise<ReadonlySet<string>>
  /** As of now. Lists are immutable: only new ones are read. */
  refresh(options?: AbortableOptions): Promise<ReadonlySet<string>>
}

const PARTS: readonly string[] = ['run', 'list', 'swept'] satisfies CondemnedPart[]

const checkList = createCheck<CondemnedList>()(
  Type.Object({
    listId: UuidSchema,
    snapshots: Type.Array(UuidSchema),
    chunks: Type.Array(Type.String({ pattern: '^[0-9a-f]{64}(\\.[1-9][0-9]{0,3})?$' })),
  }),
)

export function createCondemnedLog(space: ObjectSpace, names: ScopeNames): CondemnedLog {
  return {
    async begin(options = {}) {
      const id = uuidv7()
      const object = names.condemned(id, 'run')
      await putJsonObject(space, object, 'prune-run', { id }, options)
      const stat = await space.stat(object, options)
      if (!stat) throw missing(space.label(object))
      return { id, now: stat.modifiedAt }
    },
    async publish(list, options = {}) {
      const object = names.condemned(list.listId, 'list')
      checkList(list, space.label(object))
      await putProven(space, object, 'condemned', list, options)
    },
    async *list(options = {}) {
      const root = names.condemnedLists().length
      let entry: { listId: string } & Record<`${string}At`, number | null> = { listId: '' }
      const whole = (): CondemnedEntry => ({ listId: entry.listId, runAt: entry.runAt ?? null, storedAt: entry.listAt ?? null, sweptAt: entry.sweptAt ?? null })
      for await (const { key, modifiedAt } of space.list(names.condemnedLists(), options)) {
        const [listId = '', part = ''] = key.slice(root).split('/', 2)
        if (!isUuid(listId) || !PARTS.includes(part)) continue
        if (listId !== entry.listId) {
          if (entry.listId !== '') yield whole()
          entry = { listId }
        }
        entry[`${part}At`] = modifiedAt
      }
      if (entry.listId !== '') yield whole()
    },
    async read(listId, options = {}) {
      const object = names.condemned(listId, 'list')
      return checkList(await getJsonObject(space, object, 'condemned', options), space.label(object))
    },
    async markSwept(listId, options = {}) {
      await putJsonObject(space, names.condemned(listId, 'swept'), 'swept', { listId }, options)
    },
  }
}

export function createCondemnedNames(log: CondemnedLog): CondemnedNames {
  const lists = new Map<string, readonly string[]>()
  let first: Promise<ReadonlySet<string>> | null = null

  async function refresh(options: AbortableOptions): Promise<ReadonlySet<string>> {
    const taboo = new Set<string>()
    for await (const { listId, storedAt } of log.list(options)) {
      if (storedAt === null) continue
      const chunks = lists.get(listId) ?? (await log.read(listId, options).catch((error: unknown) => Promise.reject(withWayOut(error)))).chunks
      lists.set(listId, chunks)
      for (const chunk of chunks) taboo.add(chunk)
    }
    return taboo
  }

  return {
    known(options = {}) {
      first ??= refresh(options).catch((error: unknown) => {
        first = null // a later call may find the storage well again
        throw error
      })
      return first
    },
    async refresh(options = {}) {
      const taboo = await refresh(options)
      first = Promise.resolve(taboo)
      return taboo
    },
  }
}

function withWayOut(error: unknown): unknown {
  if (!isHoldfastError(error, 'E_ARCHIVE_CORRUPT')) return error
  return error.withHint(
    'What a prune has condemned is not known, so nothing may be stored: prune again (`holdfast prune`), which takes the damaged list away, or bring the object back from a copy.',
  )
}
