import type { ErasureEntry, ErasureLog } from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { SearchedEntity } from './erased-rows.ts'
import { keySpellings } from './key-spellings.ts'

/** Whether a key of the entity is one of the ledger; null when none can be. */
export function subjectTest(
  { descriptor: { store, name, table }, today }: Pick<SearchedEntity, 'descriptor' | 'today'>,
  entries: readonly ErasureEntry[],
  ledger: Pick<ErasureLog, 'subject'>,
): ((key: KeyText) => boolean) | null {
  // An entity that was renamed is known by its table, or by what the application says it was; its entries keep the name that their hashes were made with.
  const own = Map.groupBy(
    entries.filter((entry) => entry.store === store && (entry.entity === name || entry.entity === today || entry.table === table)),
    ({ entity }) => entity,
  )
  if (own.size === 0) return null
  const sets = [...own].map(([entity, all]) => ({ entity, subjects: new Set(all.map(({ subject }) => subject)) }))
  return (key) => keySpellings(key).some((spelling) => sets.some(({ entity, subjects }) => subjects.has(ledger.subject({ store, entity }, spelling))))
}
