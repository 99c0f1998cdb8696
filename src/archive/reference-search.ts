import type { ChunkRef } from './chunk-ref.ts'
import type { KeyIndex } from './key-index.ts'
import { compareValues } from './reference-bounds.ts'

/** A record has one of these values in that reference field. */
export interface SoughtValues {
  readonly field: string
  /** In record encoding. */
  readonly values: readonly string[]
}

/** The values in the order of bounds. */
type Sorted = readonly Uint8Array[]

/** Where records may be that have, in each of the fields, one of its values; told by what is known of chunks, without reading their lines. What is not known may hold anything. */
export class ReferenceSearch {
  readonly #sought: readonly (SoughtValues & { readonly sorted: Sorted })[]

  constructor(sought: readonly SoughtValues[]) {
    this.#sought = sought.map(({ field, values }) => ({ field, values, sorted: values.map((value) => Buffer.from(value)).sort(compareWhole) }))
  }

  /** By what the manifest says. */
  mayBeIn({ references = [] }: Pick<ChunkRef, 'references'>): boolean {
    return this.#sought.every(({ field, sorted }) => {
      const bounds = references.find((each) => each.field === field)
      return bounds === undefined || isWithin(sorted, bounds.least, bounds.greatest)
    })
  }

  /** The frames that may hold such records, by the key index; none when there can be no such record. */
  frames(index: KeyIndex): readonly number[] {
    if (!this.#sought.every(({ field, values }) => values.some((value) => index.mayReference(field, value)))) return []
    const known = this.#sought.flatMap(({ field, sorted }) => {
      const frames = index.frameBounds(field)
      return frames ? [{ frames, sorted }] : []
    })
    const mayHold = (at: number) =>
      known.every(({ frames, sorted }) => {
        const [least, greatest] = frames[at] ?? [null, null]
        return isWithin(sorted, least, greatest)
      })
    return [...index.frames.keys()].filter(mayHold)
  }
}

/** Is one of the values within the bounds? */
function isWithin(sorted: Sorted, least: string | null, greatest: string | null): boolean {
  if (least === null || greatest === null) return false
  const first = firstFrom(sorted, Buffer.from(least))
  return first !== undefined && compareWhole(first, Buffer.from(greatest)) <= 0
}

function firstFrom(sorted: Sorted, least: Uint8Array): Uint8Array | undefined {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareWhole(sorted[middle]!, least) < 0) low = middle + 1
    else high = middle
  }
  return sorted[low]
}

function compareWhole(a: Uint8Array, b: Uint8Array): number {
  return compareValues(a, 0, a.byteLength, b, 0, b.byteLength)
}
