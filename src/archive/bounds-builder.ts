import { BOUND_BYTES, compareValues, type FrameBounds } from './reference-bounds.ts'

/** Notes the least and greatest value of one reference field, frame by frame. Runs once for every row of a backup. */
export interface BoundsBuilder {
  /** The JSON value that stands there. */
  add(bytes: Uint8Array, start: number, end: number): void
  /** What was added since the last call stands in one frame. */
  endFrame(): void
  /** Null when some value was too long for it, so that nothing can be said. */
  finish(): readonly FrameBounds[] | null
}

/** A copy of a value, since the bytes of a batch are filled anew. */
interface Held {
  readonly bytes: Uint8Array
  length: number
}

export function createBoundsBuilder(): BoundsBuilder {
  const least: Held = { bytes: new Uint8Array(BOUND_BYTES), length: 0 }
  const greatest: Held = { bytes: new Uint8Array(BOUND_BYTES), length: 0 }
  const frames: FrameBounds[] = []
  let known = true

  return {
    add(bytes, start, end) {
      if (end - start > BOUND_BYTES) known = false
      if (!known) return
      // No JSON value has no bytes: nothing is held yet.
      if (greatest.length === 0) {
        hold(least, bytes, start, end)
        hold(greatest, bytes, start, end)
        return
      }
      const above = compareValues(bytes, start, end, greatest.bytes, 0, greatest.length)
      if (above > 0) hold(greatest, bytes, start, end)
      // The same value again, as in the lines of one order, is neither.
      else if (above < 0 && compareValues(bytes, start, end, least.bytes, 0, least.length) < 0) hold(least, bytes, start, end)
    },
    endFrame() {
      if (greatest.length === 0) frames.push(null)
      else {
        const [from, to] = [textOf(least), textOf(greatest)]
        if (from === null || to === null) known = false
        else frames.push([from, to])
      }
      least.length = greatest.length = 0
    },
    finish: () => (known ? frames : null),
  }
}

/** By hand: for so few bytes that is faster than a view of them. */
function hold(held: Held, bytes: Uint8Array, start: number, end: number): void {
  held.length = end - start
  for (let i = 0; i < held.length; i++) held.bytes[i] = bytes[start + i]!
}

/** Null for bytes that as text would be others. */
function textOf({ bytes, length }: Held): string | null {
  const value = Buffer.from(bytes.buffer, 0, length)
  const text = value.toString('utf8')
  return Buffer.from(text).equals(value) ? text : null
}
