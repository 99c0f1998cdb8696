import type { LineSource } from '../../src/contracts/restore-target.ts'
import type { AbortableOptions } from '../../src/kernel/abort.ts'
import { splitLines } from '../../src/record/index.ts'

/** The records from one number to another (1-based, both included), in pieces of whole lines. */
export async function* lineSpan(lines: LineSource, first: number, last: number, options: AbortableOptions): AsyncGenerator<Uint8Array, void, undefined> {
  if (first === 1 && last === Number.POSITIVE_INFINITY) return yield* lines.open(options)
  for await (const { bytes, ends, firstLine } of splitLines(lines.open(options), options)) {
    if (firstLine > last) return
    const skipped = Math.max(0, first - firstLine)
    if (skipped >= ends.length) continue
    const taken = Math.min(ends.length, last - firstLine + 1)
    if (taken > skipped) yield bytes.subarray(skipped === 0 ? 0 : ends[skipped - 1]!, ends[taken - 1])
  }
}
