import type { KeyText } from '../../src/contracts/key-range.ts'
import type { LineSource } from '../../src/contracts/restore-target.ts'
import type { AbortableOptions } from '../../src/kernel/abort.ts'
import { keyTextOf, splitLines } from '../../src/record/index.ts'

/** The key of the record with this 1-based number, read from the records again, sensitive values hidden; null when there is none. */
export async function keyOfLine(
  key: readonly { readonly path: string; readonly sensitive: boolean }[],
  lines: LineSource,
  number: number,
  options: AbortableOptions,
): Promise<KeyText | null> {
  for await (const { bytes, ends, firstLine } of splitLines(lines.open(options), options)) {
    const at = number - firstLine
    if (at >= ends.length) continue
    const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', at === 0 ? 0 : ends[at - 1], ends[at])
    const record = JSON.parse(line) as Record<string, unknown>
    return keyTextOf(key.map(({ path, sensitive }) => (sensitive ? '"•••"' : JSON.stringify(record[path]))))
  }
  return null
}
