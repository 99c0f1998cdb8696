import type { KeyText } from '../contracts/key-range.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { LineCursor } from './line-cursor.ts'
import type { RecordPair } from './record-pair.ts'
import type { RecordSource } from './record-source.ts'

export interface MatchRecordsOptions extends AbortableOptions {
  readonly before: RecordSource
  readonly after: RecordSource
  readonly keyFields: number
  /** Bytes of records that wait for their other side. Default 64 MiB. */
  readonly limitBytes?: number
}

/** A part of all keys by their hash, and from which step on what is found in it has not been told yet. */
interface Pass {
  readonly modulus: number
  readonly remainder: number
  readonly from: number
}

const LIMIT_BYTES = 64 * 1024 * 1024
/** What a waiting record takes besides its line. */
const ENTRY_BYTES = 160

/**
 * Matches records whose order is not known: both sides are gone through in step, and a line waits until its key comes along on the other side. Sides in nearly
 * the same order keep little waiting. Where too much waits, half of the keys is put off to another pass over both sides: steps are the same in every
 * pass, so that what was told in an earlier one is known by its step. Memory: the limit, whatever the sides hold.
 */
export async function* matchRecords(options: MatchRecordsOptions): AsyncGenerator<RecordPair, void, undefined> {
  const passes: Pass[] = [{ modulus: 1, remainder: 0, from: 0 }]
  for (let pass = passes.pop(); pass; pass = passes.pop()) yield* onePass(options, pass, passes)
}

async function* onePass(options: MatchRecordsOptions, first: Pass, later: Pass[]): AsyncGenerator<RecordPair, void, undefined> {
  const { before, after, keyFields, limitBytes = LIMIT_BYTES, signal } = options
  const left = new LineCursor(before.open({ signal }), keyFields)
  const right = new LineCursor(after.open({ signal }), keyFields)
  const waiting = { before: new Map<KeyText, Buffer>(), after: new Map<KeyText, Buffer>() }
  let { modulus } = first
  const { remainder, from } = first
  let bytes = 0
  const mine = (key: KeyText) => modulus === 1 || hashOf(key) % modulus === remainder

  /** Takes a line of one side; a pair when the other side was waiting for it. */
  const take = (key: KeyText, line: Buffer, own: Map<KeyText, Buffer>, other: Map<KeyText, Buffer>): Buffer | null => {
    const match = other.get(key)
    if (!match) {
      own.set(key, Buffer.from(line))
      bytes += line.byteLength + ENTRY_BYTES
      return null
    }
    other.delete(key)
    bytes -= match.byteLength + ENTRY_BYTES
    return match
  }
  const halve = (step: number) => {
    later.push({ modulus: modulus * 2, remainder: remainder + modulus, from: Math.max(from, step) })
    modulus *= 2
    for (const side of [waiting.before, waiting.after]) {
      for (const [key, line] of side) {
        if (mine(key)) continue
        side.delete(key)
        bytes -= line.byteLength + ENTRY_BYTES
      }
    }
  }

  try {
    await Promise.all([left.load(), right.load()])
    for (let step = 0; !left.done || !right.done; step++) {
      if (left.done || right.done || !left.equals(right)) {
        throwIfAborted(signal)
        if (!left.done) {
          const key = left.key()
          const match = mine(key) ? take(key, left.line, waiting.before, waiting.after) : null
          if (match && step >= from && !match.equals(left.line)) yield { key, before: left.line, after: match }
        }
        if (!right.done) {
          const key = right.key()
          const match = mine(key) ? take(key, right.line, waiting.after, waiting.before) : null
          if (match && step >= from && !match.equals(right.line)) yield { key, before: match, after: right.line }
        }
        while (bytes > limitBytes && waiting.before.size + waiting.after.size > 1 && modulus < 2 ** 20) halve(step + 1)
      }
      if (!left.done && !left.step()) await left.load()
      if (!right.done && !right.step()) await right.load()
    }
  } finally {
    await Promise.all([left.close(), right.close()])
  }
  for (const [key, line] of waiting.before) yield { key, before: line, after: null }
  for (const [key, line] of waiting.after) yield { key, before: null, after: line }
}

/** FNV-1a. */
function hashOf(key: KeyText): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
