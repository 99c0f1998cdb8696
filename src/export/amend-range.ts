import { createHash } from 'node:crypto'
import { rangeKeys, readRange } from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { RecordBatch } from '../contracts/record-batch.ts'
import { createKeyTextReader } from '../record/index.ts'
import { paysAsDelta } from './change-share.ts'
import { diffKeys } from './diff-keys.ts'
import type { EntityCopy } from './entity-copy.ts'
import { readPart, type ReadPartOptions } from './read-part.ts'
import { type LiveLine, storeDelta } from './store-delta.ts'
import { unlessUnreadable } from './unless-unreadable.ts'
import type { StoredRange } from './stored-range.ts'

const NEWLINE = 0x0a
/** Lines of a range held in memory to be compared, in chunks as planned; what is longer is stored anew as it comes. */
const HELD_CHUNKS = 2

/**
 * Reads a known range whole and stores only what differs from its stored lines, for databases that cannot tell which rows were written since. Where most differs,
 * the range is stored anew from what was read.
 */
export async function amendRange(copy: EntityCopy, known: StoredRange, options: ReadPartOptions): Promise<void> {
  const { signal, cutBytes } = options
  const { range } = known
  const batches = copy.read(range, { signal })[Symbol.asyncIterator]()
  const held: RecordBatch[] = []
  const hash = createHash('sha256')
  const digester = copy.newDigester()
  let bytes = 0
  let ended = false
  while (!options.pausing() && bytes <= cutBytes * HELD_CHUNKS) {
    const step = await batches.next()
    if (step.done) {
      ended = true
      break
    }
    held.push(step.value)
    hash.update(step.value.bytes)
    digester?.add(step.value)
    bytes += step.value.bytes.length
    options.onMoved()
  }
  if (!ended && options.pausing()) {
    await batches.return?.()
    return
  }
  const facts = { sha256: hash.digest('hex'), digest: digester?.digest() }
  if (ended && (await storeDifference(copy, known, held, facts, options))) return copy.closePart()
  await readPart(copy, range, { ...options, source: followedBy(held, batches) })
}

interface LiveFacts {
  readonly sha256: string
  readonly digest: string | undefined
}

/** False when the range is better stored anew. */
async function storeDifference(
  copy: EntityCopy,
  known: StoredRange,
  held: readonly RecordBatch[],
  facts: LiveFacts,
  options: ReadPartOptions,
): Promise<boolean> {
  const live = liveLines(copy, held)
  if (live === null) return false
  const { sha256, digest } = facts
  if (sha256 === known.sha256) {
    // The digest that was known told them apart, though they are the same: it is of another form.
    const { digest: _, ...bare } = known.entry
    copy.stored({ ...bare, ...(digest === undefined ? {} : { digest }) })
    return true
  }
  const base = await unlessUnreadable(() => baseLines(copy, known, options.signal))
  if (!base) return false
  const changed = new Set<KeyText>()
  for (const [key, { batch, row }] of live) {
    const before = base.get(key)
    if (before?.equals(lineOf(batch, row)) === true) continue
    changed.add(key)
    if (!paysAsDelta(changed.size, known.rows)) return false
  }
  const changes = diffKeys([...base.keys()], [...live.keys()], changed)
  if (!changes || !paysAsDelta(changes.length, known.rows)) return false
  return storeDelta(copy, known, changes, live, { rows: live.size, sha256, ...(digest === undefined ? {} : { digest }) }, options)
}

/** By key, in key order; null when a key stands twice. */
function liveLines(copy: EntityCopy, batches: readonly RecordBatch[]): Map<KeyText, LiveLine> | null {
  const keyOf = createKeyTextReader(copy.descriptor.key.length)
  const lines = new Map<KeyText, LiveLine>()
  let rows = 0
  for (const batch of batches) {
    for (let row = 0; row < batch.rows; row++) {
      const start = row === 0 ? 0 : batch.marks[(row - 1) * batch.stride]!
      lines.set(keyOf(batch.bytes, start, batch.marks[row * batch.stride + 1]!), { batch, row })
    }
    rows += batch.rows
  }
  return lines.size === rows ? lines : null
}

async function baseLines(copy: EntityCopy, known: StoredRange, signal: AbortSignal): Promise<Map<KeyText, Buffer>> {
  const keys = (await rangeKeys(copy.chunks, known.entry, { signal })).keys()
  const lines = new Map<KeyText, Buffer>()
  for await (const piece of readRange(copy.chunks, known.entry, { signal })) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    for (let start = 0; start < bytes.length;) {
      const end = bytes.indexOf(NEWLINE, start) + 1
      lines.set(keys.next().value as KeyText, bytes.subarray(start, end))
      start = end
    }
  }
  return lines
}

function lineOf({ bytes, marks, stride }: RecordBatch, row: number): Uint8Array {
  return bytes.subarray(row === 0 ? 0 : marks[(row - 1) * stride]!, marks[row * stride])
}

async function* followedBy(held: readonly RecordBatch[], rest: AsyncIterator<RecordBatch>): AsyncGenerator<RecordBatch, void, undefined> {
  try {
    yield* held
    for (let step = await rest.next(); !step.done; step = await rest.next()) yield step.value
  } finally {
    await rest.return?.()
  }
}
