import { isUtf8 } from 'node:buffer'
import type { RecordProblem } from '../../../../src/contracts/restore-target.ts'
import { type AbortableOptions, throwIfAborted } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { dynamicDecoder } from '../../../../src/record/dynamic-codec.ts'
import { createLineParser } from '../../../../src/record/line-parser.ts'
import { type LineBatch, splitLines } from '../../../../src/record/line-splitter.ts'
import { type StoredValue, storageClass } from '../../../../src/record/stored-value.ts'
import { ValueError } from '../../../../src/record/value-error.ts'
import { survives } from '../affinity.ts'
import { isTurnOver, nextTurn } from '../slices.ts'
import type { ItemPlan } from './item-plan.ts'

/** Lines between two looks at the clock and the signal. */
const GROUP = 256

export interface LoadOptions extends AbortableOptions {
  /** The lines. Default: all of the item. */
  readonly lines?: AsyncIterable<Uint8Array>
  /** How many lines of the item come before them. Default 0. */
  readonly before?: number
  /** Told of lines that were gone through, before `pause` is. */
  readonly passed?: (lines: Uint8Array) => void
  readonly add: (row: readonly StoredValue[], line: number) => void
  /** Called between groups of lines, with the lines so far. Returns false to stop. */
  readonly pause: (lines: number) => boolean
  /** Whether to go on behind a line that the table could not keep exactly. Default no. */
  readonly refused?: (problem: RecordProblem) => boolean
}

/** The rows of the item's lines, one after the other. The problem is that of the line that the table could not keep exactly, and that ended it. */
export async function loadLines(
  plan: ItemPlan,
  { add, pause, refused, signal, before = 0, passed, lines: source = plan.item.lines.open({ signal }) }: LoadOptions,
): Promise<{ readonly lines: number; readonly problem?: RecordProblem }> {
  const { item, columns } = plan
  const parser = createLineParser({ entity: item.entity, fields: columns.map(({ path }) => path) })
  const decoders = columns.map(({ affinity }) => dynamicDecoder(affinity))
  let lines = before

  /** The values of a line, or what is wrong with them. */
  function decode(bytes: Buffer, start: number, end: number, line: number): StoredValue[] | RecordProblem {
    const spans = parser.spans(bytes, start, end, line)
    const row = new Array<StoredValue>(columns.length)
    let misfit = -1
    for (let at = 0; at < row.length; at++) {
      let value: StoredValue
      try {
        value = decoders[at]!(bytes, spans[at * 2]!, spans[at * 2 + 1]!)
      } catch (error) {
        if (!(error instanceof ValueError)) throw error
        throw new HoldfastError('E_RECORD', `"${item.entity}", line ${line}, ${columns[at]!.path}: ${error.message}`, {
          cause: error,
          details: { entity: item.entity, line },
        })
      }
      if (misfit === -1 && !survives(value, columns[at]!.affinity)) misfit = at
      row[at] = value
    }
    if (misfit === -1) return row
    const { path, column } = columns[misfit]!
    const found = storageClass(row[misfit]!).toUpperCase()
    return {
      entity: item.entity,
      key: plan.keyText(row),
      line,
      cause: 'validation',
      message: `${path} is ${found}, which a column of ${column.affinity} affinity would change`,
    }
  }

  for await (const batch of splitLines(source, { signal })) {
    const bytes = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
    const firstLine = before + batch.firstLine
    assertUtf8(item.entity, bytes, { ...batch, firstLine })
    let start = 0
    let told = 0
    for (let at = 0; at < batch.ends.length; at++) {
      const end = batch.ends[at]!
      const row = decode(bytes, start, end, firstLine + at)
      if (Array.isArray(row)) add(row, firstLine + at)
      else if (!refused?.(row)) return { lines, problem: row }
      start = end
      lines++
      if (lines % GROUP !== 0) continue
      passed?.(bytes.subarray(told, end))
      told = end
      if (!pause(lines)) return { lines }
      if (!isTurnOver()) continue
      await nextTurn()
      throwIfAborted(signal)
    }
    passed?.(bytes.subarray(told))
  }
  return { lines }
}

function assertUtf8(entity: string, bytes: Buffer, batch: LineBatch): void {
  if (isUtf8(bytes)) return
  let start = 0
  for (const [at, end] of batch.ends.entries()) {
    const line = batch.firstLine + at
    if (!isUtf8(bytes.subarray(start, end))) throw new HoldfastError('E_RECORD', `"${entity}", line ${line}: is not UTF-8`, { details: { entity, line } })
    start = end
  }
}
