/**
 * The least and the greatest value that a chunk has in one reference field. It stands in manifests, so that "which chunks may hold lines of order 7?" needs no index of the chunks whose
 * bounds leave 7 out.
 *
 * Values are ordered by their bytes in record encoding, the shorter before the longer. How the database would sort them does not matter: what is looked for is equal or not, and equal values
 * are spelt alike. Of identifiers, counted up or of one length, it is their own order as well, so that bounds say much of them.
 */
export interface ReferenceBounds {
  readonly field: string
  /** JSON values in record encoding; both null where no record of the chunk has a value. */
  readonly least: string | null
  readonly greatest: string | null
}

/** The same of one frame; null where none of its records has a value. */
export type FrameBounds = readonly [least: string, greatest: string] | null

/** Of longer values nothing is noted: what is not noted may hold anything. */
export const BOUND_BYTES = 64

/** Below 0, 0, or above: the order of the bounds. */
export function compareValues(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): number {
  const byLength = aEnd - aStart - (bEnd - bStart)
  if (byLength !== 0) return byLength
  for (let i = aStart, j = bStart; i < aEnd; i++, j++) if (a[i] !== b[j]) return a[i]! - b[j]!
  return 0
}

/** The same of values as text. */
export function compareTexts(a: string, b: string): number {
  const [first, second] = [Buffer.from(a), Buffer.from(b)]
  return compareValues(first, 0, first.byteLength, second, 0, second.byteLength)
}

/** The bounds of all frames together. */
export function boundsOf(field: string, frames: readonly FrameBounds[]): ReferenceBounds {
  let [least, greatest]: [string | null, string | null] = [null, null]
  for (const frame of frames) {
    if (!frame) continue
    if (least === null || compareTexts(frame[0], least) < 0) least = frame[0]
    if (greatest === null || compareTexts(frame[1], greatest) > 0) greatest = frame[1]
  }
  return { field, least, greatest }
}

/** Are they bounds: both, in their order, or none? */
export function areBounds({ least, greatest }: Pick<ReferenceBounds, 'least' | 'greatest'>): boolean {
  return least === null || greatest === null ? least === greatest : compareTexts(least, greatest) <= 0
}
