import type { JournalCut, JournalEntry, JournalRange } from '../archive/index.ts'
import { KeyImage } from '../reconcile/index.ts'
import type { BaseImage, BaseImages } from './base-images.ts'
import { storedRange, type StoredRange } from './stored-range.ts'

/** What a session knows of its entities, one image each: by the snapshot it builds on, and by its journal. */
export interface ReplayedJournal {
  /** A whole image, all of it unknown when the journal says nothing that fits. `schema` is the fingerprint the entity has now. */
  image(store: string, entity: string, schema: string): KeyImage<StoredRange>
}

/**
 * Follows the journal entry by entry, from what the base knows. What does not fit what came before it ends the trust in that entity: it is read again, which
 * costs time and nothing else. What was cut or read under another schema is forgotten whole, bounds and all: where keys stand in
 * another order, ranges between the old bounds would overlap.
 */
export function replayJournal(entries: readonly JournalEntry[], base: BaseImages = () => undefined): ReplayedJournal {
  const images = new Map<string, EntityReplay>()
  const replayOf = ({ store, entity }: JournalCut | JournalRange) => {
    const key = keyOf(store, entity)
    const replay = images.get(key) ?? new EntityReplay(base(store, entity))
    images.set(key, replay)
    return replay
  }
  for (const entry of entries) {
    for (const cut of entry.cuts ?? []) replayOf(cut).cut(cut)
    for (const range of entry.ranges ?? []) replayOf(range).know(range)
  }
  return { image: (store, entity, schema) => (images.get(keyOf(store, entity)) ?? new EntityReplay(base(store, entity))).image(schema) }
}

class EntityReplay {
  #image: KeyImage<StoredRange>
  #schema: string | null
  #sound = true

  constructor(base: BaseImage | undefined) {
    this.#image = base?.image ?? new KeyImage()
    this.#schema = base?.schema ?? null
  }

  cut({ range, schema }: JournalCut): void {
    this.#attempt(schema, () => this.#image.cut(range))
  }

  know({ range, evidence, schema }: JournalRange): void {
    const known = storedRange(range, evidence, false)
    this.#attempt(schema, () => this.#image.know(known.range, known))
  }

  image(schema: string): KeyImage<StoredRange> {
    return this.#sound && schema === this.#schema ? this.#image : new KeyImage()
  }

  #attempt(schema: string, step: () => void): void {
    if (schema !== this.#schema) {
      this.#image = new KeyImage()
      this.#schema = schema
      this.#sound = true
    }
    if (!this.#sound) return
    try {
      step()
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      this.#sound = false
    }
  }
}

function keyOf(store: string, entity: string): string {
  return JSON.stringify([store, entity])
}
