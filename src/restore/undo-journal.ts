import type { ManifestEntity } from '../archive/index.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { TouchedRow } from '../contracts/restore-target.ts'
import type { WatchedRestore } from './restore-watcher.ts'
import { rowHash } from './row-hash.ts'
import { type RowPagePlace, RowPageWriter } from './row-pages.ts'
import type { RowObserver } from './watch-rows.ts'

export type WrittenAction = 'create' | 'update' | 'delete'

/** A row before it was touched: action, key, and its line, null where there was none. */
export type BeforeRow = readonly [action: WrittenAction, key: string, line: string | null]

/** The same row afterwards: of an update the hash of its line, of a created one the line, of a deleted one null. In the order of the rows before. */
export type AfterRow = string | null

/** How the rows of an entity lead to their tenant; neither where there are no tenants, or each has tables of its own. */
export type OwnedRows = Pick<ManifestEntity, 'owner' | 'shared'>

/** What became of the rows of one entity. `before` and `after` are numbers of pages. */
export interface UndoEntity extends OwnedRows {
  readonly descriptor: EntityDescriptor
  readonly counts: Readonly<Record<WrittenAction, number>>
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** Stands in the repository before the transaction commits, one for each store. */
export interface UndoHead {
  readonly restoreId: string
  readonly store: string
  /** Whose rows they are; absent where there are no tenants. */
  readonly tenant?: string
  readonly entities: readonly UndoEntity[]
}

interface Journaled {
  readonly descriptor: EntityDescriptor
  readonly counts: Record<WrittenAction, number>
  readonly before: RowPageWriter
  readonly after: RowPageWriter
}

/**
 * Keeps each row that a restore touches as it was, and what became of it. All of it is in the repository before the transaction commits; of a transaction that does not commit it says what
 * is so anyway, and undoing it changes nothing.
 */
export function undoJournal({ id, repository, tenant, ownedOf, signal }: Omit<WatchedRestore, 'selection'>): (store: string) => RowObserver {
  const place: RowPagePlace = { log: repository.restores, id, part: 'undo-rows', next: 0 }
  let heads = 0
  return (store) => {
    const entities = new Map<string, Journaled>()
    const of = (descriptor: EntityDescriptor): Journaled => {
      const known = entities.get(descriptor.name)
      if (known) return known
      const writer = () => new RowPageWriter(place, { signal })
      const made = { descriptor, counts: { create: 0, update: 0, delete: 0 }, before: writer(), after: writer() }
      entities.set(descriptor.name, made)
      return made
    }
    return {
      async seen(descriptor, rows) {
        const { counts, before } = of(descriptor)
        for (const { action, key, live } of rows) {
          if (action === 'conflict') continue
          counts[action]++
          await before.add([action, key, live] satisfies BeforeRow)
        }
      },
      async written(descriptor, rows) {
        const { after } = of(descriptor)
        for (const row of rows) await after.add(afterOf(row))
      },
      async settled() {
        const kept: UndoEntity[] = []
        for (const { descriptor, counts, before, after } of entities.values())
          kept.push({ descriptor, ...ownedOf(store, descriptor.name), counts, before: await before.end(), after: await after.end() })
        const head: UndoHead = { restoreId: id, store, ...(tenant === null ? {} : { tenant }), entities: kept }
        await repository.restores.writePart(id, 'undo', heads++, head, { signal })
      },
    }
  }
}

function afterOf({ action, live }: TouchedRow): AfterRow {
  return action === 'create' ? live : rowHash(live)
}
