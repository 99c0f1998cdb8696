import type { KeyText } from '../contracts/key-range.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { KeyComparator } from './key-comparator.ts'
import { LineCursor } from './line-cursor.ts'
import type { RecordPair } from './record-pair.ts'
import type { RecordSource } from './record-source.ts'

export interface MergeRecordsOptions extends AbortableOptions {
  readonly before: RecordSource
  readonly after: RecordSource
  readonly keyFields: number
  readonly compare: KeyComparator
}

/**
 * Goes through both sides once, side by side in the order of their keys. Memory: a piece of each.
 *
 * @throws `E_ARCHIVE_CORRUPT` when the keys of a side do not ascend: no database gives records so, and every one behind would be told as removed and added
 */
export async function* mergeRecords({ before, after, keyFields, compare, signal }: MergeRecordsOptions): AsyncGenerator<RecordPair, void, undefined> {
  const left = new LineCursor(before.open({ signal }), keyFields)
  const right = new LineCursor(after.open({ signal }), keyFields)
  const [leftAscends, rightAscends] = [ascending(compare), ascending(compare)]
  try {
    await Promise.all([left.load(), right.load()])
    while (!left.done || !right.done) {
      if (!left.done && !right.done && left.equals(right)) {
        if (!left.step()) await left.load()
        if (!right.step()) await right.load()
        continue
      }
      throwIfAborted(signal)
      const leftKey = left.done ? null : left.key()
      const rightKey = right.done ? null : right.key()
      leftAscends(leftKey)
      rightAscends(rightKey)
      const order = leftKey === null ? 1 : rightKey === null ? -1 : compare(leftKey, rightKey)
      yield {
        key: order <= 0 ? leftKey! : rightKey!,
        before: order <= 0 ? left.line : null,
        after: order >= 0 ? right.line : null,
      }
      if (order <= 0 && !left.step()) await left.load()
      if (order >= 0 && !right.step()) await right.load()
    }
  } finally {
    await Promise.all([left.close(), right.close()])
  }
}

/** Holds each key against the one before it. Lines that are equal on both sides are passed over. */
function ascending(compare: KeyComparator): (key: KeyText | null) => void {
  let last: KeyText | null = null
  return (key) => {
    if (key === null) return
    if (last !== null && compare(last, key) > 0)
      throw new HoldfastError('E_ARCHIVE_CORRUPT', 'records are not in the order of their keys', {
        hint: 'No backup stores them so; verify the snapshot, and where it comes from.',
      })
    last = key
  }
}
