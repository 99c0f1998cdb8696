import type { KeyText } from '../contracts/key-range.ts'

/** One step of a delta, in the order of the merged keys. */
export interface RangeChange {
  /** `anchor`: the upserts that follow, until the next key that is in the base, are of new records and stand right after this key; null: at the start of the range. */
  readonly do: 'upsert' | 'delete' | 'anchor'
  readonly key: KeyText | null
}

/**
 * What turns the base into the live range, both given by their keys in key order. `changed` are the live keys whose records may differ; it holds every key that is
 * not in the base. Null when no delta can say it: keys that stand in another order, or twice.
 */
export function diffKeys(base: readonly KeyText[], live: readonly KeyText[], changed: ReadonlySet<KeyText>): RangeChange[] | null {
  // Made when it is first needed: most ranges only lose rows, or change them.
  let inBase: Set<KeyText> | null = null
  const isNew = (key: KeyText) => changed.has(key) && !(inBase ??= new Set(base)).has(key)
  const changes: RangeChange[] = []
  let [atBase, atLive] = [0, 0]
  let anchored = false
  while (atBase < base.length || atLive < live.length) {
    const [below, above] = [base[atBase], live[atLive]]
    if (below !== undefined && below === above) {
      if (above === live[atLive - 1] || below === base[atBase - 1]) return null
      if (changed.has(above)) changes.push({ do: 'upsert', key: above })
      anchored = false
      atBase++
      atLive++
    } else if (above !== undefined && isNew(above)) {
      if (above === live[atLive - 1]) return null
      if (!anchored) changes.push({ do: 'anchor', key: live[atLive - 1] ?? null })
      anchored = true
      changes.push({ do: 'upsert', key: above })
      atLive++
    } else if (below !== undefined) {
      // What is live now is further on in the base. If it is not, for whatever reason, it is left over in the end.
      if (below === base[atBase - 1]) return null
      changes.push({ do: 'delete', key: below })
      atBase++
    } else return null
  }
  return changes
}
