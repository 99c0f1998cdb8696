/** A delta pays while it changes at most this share of a range; beyond it the range is stored anew. */
const LARGEST_SHARE = 0.2

/** Is a delta of so many changes to a range of so many rows worth it? */
export function paysAsDelta(changes: number, knownRows: number): boolean {
  return changes > 0 && changes <= knownRows * LARGEST_SHARE
}
