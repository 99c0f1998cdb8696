import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'

/** 256 MiB: far above any sane record, far below what would take the process down. */
export const MAX_LINE_BYTES = 256 * 1024 * 1024

/** Whole lines, each ended by 0x0A. */
export interface LineBatch {
  readonly bytes: Uint8Array
  /** Offset just past the 0x0A of each line, ascending; the last one is `bytes.length`. Never empty. */
  readonly ends: readonly number[]
  /** 1-based number of the first line of the batch in the whole stream. */
  readonly firstLine: number
}

export interface SplitOptions extends AbortableOptions {
  /** Longest line, its 0x0A included. Default 256 MiB. */
  readonly maxLineBytes?: number
}

/**
 * Cuts a stream of bytes into whole lines, on 0x0A and nothing else. (`node:readline` also splits at U+2028, U+2029 and 0x0D, all of
 * which may stand in a JSON string.) A batch is what arrived at once, less the unfinished line at its end; bytes of the source are
 * reused where a chunk holds only whole lines.
 *
 * @throws HoldfastError `E_RECORD` for a line over the limit, or when the stream does not end with 0x0A.
 */
export async function* splitLines(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: SplitOptions = {},
): AsyncGenerator<LineBatch, void, undefined> {
  const limit = options.maxLineBytes ?? MAX_LINE_BYTES
  let begun: Uint8Array[] = []
  let begunBytes = 0
  let line = 1
  for await (const chunk of source) {
    throwIfAborted(options.signal)
    const lastBreak = chunk.lastIndexOf(0x0a)
    if (lastBreak === -1) {
      begun.push(chunk)
      begunBytes += chunk.length
      if (begunBytes >= limit) throw tooLong(line, limit)
      continue
    }
    const whole = chunk.subarray(0, lastBreak + 1)
    const bytes = begun.length === 0 ? whole : Buffer.concat([...begun, whole])
    const ends = lineEnds(bytes, begunBytes)
    let start = 0
    for (const [at, end] of ends.entries()) {
      if (end - start > limit) throw tooLong(line + at, limit)
      start = end
    }
    yield { bytes, ends, firstLine: line }
    line += ends.length
    begun = lastBreak + 1 === chunk.length ? [] : [chunk.subarray(lastBreak + 1)]
    begunBytes = chunk.length - lastBreak - 1
    if (begunBytes >= limit) throw tooLong(line, limit)
  }
  if (begunBytes > 0) throw new HoldfastError('E_RECORD', `line ${line} is cut off: the stream does not end with a line break`, { details: { line } })
}

/** Offsets just past each 0x0A of `bytes`; none before `from`. */
export function lineEnds(bytes: Uint8Array, from = 0): number[] {
  const ends: number[] = []
  for (let at = bytes.indexOf(0x0a, from); at !== -1; at = bytes.indexOf(0x0a, at + 1)) ends.push(at + 1)
  return ends
}

function tooLong(line: number, limit: number): HoldfastError {
  return new HoldfastError('E_RECORD', `line ${line} is longer than ${limit} bytes`, { details: { line, limit } })
}
