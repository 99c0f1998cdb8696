import type { ErasureEntry, ErasureLog } from '../archive/index.ts'
import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { LineSource } from '../contracts/restore-target.ts'
import { type ErasedCount, findErased } from '../erasure/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { RowObserver } from './watch-rows.ts'

export interface LeftOutOptions extends AbortableOptions {
  readonly store: string
  readonly entities: readonly { readonly descriptor: EntityDescriptor; readonly lines: LineSource }[]
  readonly ledger: Pick<ErasureLog, 'subject'>
  readonly entries: readonly ErasureEntry[]
  /** Filled with what was left out. */
  readonly counts: ErasedCount[]
}

/** Keeps an undo from putting back records that were erased since. They may stand in another store than the one they were erased in, where they were restored to. */
export async function leftOut({ store, entities, ledger, entries, counts, signal }: LeftOutOptions): Promise<RowObserver> {
  const left = new Map<string, Set<KeyText>>()
  for (const erasedIn of new Set(entries.map((entry) => entry.store))) {
    const searched = entities.map(({ descriptor, lines }) => ({
      descriptor: { ...descriptor, store: erasedIn },
      today: descriptor.name,
      lines: (_: unknown, options: AbortableOptions) => lines.open(options),
    }))
    const found = await findErased(searched, ledger, entries, { signal })
    for (const { entity } of found.counts) left.set(entity, new Set([...(left.get(entity) ?? []), ...found.of(erasedIn, entity)]))
  }
  for (const [entity, keys] of left) counts.push({ store, entity, records: keys.size })
  return {
    async seen({ name }, rows) {
      const keys = left.get(name)
      if (!keys) return []
      return rows.filter(({ action, key }) => action !== 'delete' && keys.has(key)).map(({ line }) => ({ line, action: 'keep' as const }))
    },
  }
}
