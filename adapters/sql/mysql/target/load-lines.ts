import { isUtf8 } from 'node:buffer'
import { type AbortableOptions, throwIfAborted } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { createLineParser, type LineParser, type ValueSpans } from '../../../../src/record/line-parser.ts'
import { type LineBatch, splitLines } from '../../../../src/record/line-splitter.ts'
import type { LedgerKeeper, StagedLedger } from '../../staged-ledger.ts'
import type { FittedItem } from './fit-record.ts'
import { forgetLedger, type LedgerPlace, noteLedger } from './ledger-table.ts'
import type { RowChannel, RowDestination } from './row-channel.ts'
import { CellError, createRowWriter, isNull, type RowForm, type Segment } from './row-writer.ts'
import { type RefusedLine, sendSegment } from './send-segment.ts'
import type { TargetStatements } from './target-session.ts'

/** Bytes of rows that go to the server at once: all that is in memory beside the lines, twice. */
const SEGMENT_BYTES: Readonly<Record<RowForm, number>> = { load: 8 * 1024 * 1024, values: 512 * 1024 }

export interface LoadOptions extends AbortableOptions {
  readonly onProgress?: ((rows: number) => void) | undefined
  /** Refuses null for columns that are NOT NULL before it is sent: some the server would fill in in silence. */
  readonly requireValues?: boolean
  /** The records to be loaded. Default: all of the item. */
  readonly lines?: AsyncIterable<Uint8Array>
  /** Number of the first of them. Default 1. */
  readonly firstLine?: number
  /** What is loaded is noted here, in one transaction with each segment. Default: each segment commits by itself, or is part of the caller's transaction. */
  readonly ledger?: KeptLedger | null
}

/** The ledger of the table, and where it stands. */
export interface KeptLedger {
  readonly keeper: LedgerKeeper
  readonly place: LedgerPlace
}

export interface LoadedLines {
  /** Records before the refused one, or all. */
  readonly rows: number
  readonly refused?: RefusedLine
}

/** Loads the lines of an item into a table. While the server takes one segment the next is put together. It stops at the first record that is refused. */
export async function loadLines(
  statements: TargetStatements,
  channel: RowChannel,
  { item, fields }: FittedItem,
  destination: RowDestination,
  { signal, onProgress, requireValues = false, firstLine = 1, lines: source = item.lines.open({ signal }), ledger = null }: LoadOptions,
): Promise<LoadedLines> {
  const parser = createLineParser({ entity: item.entity, fields: fields.map(({ path }) => path) })
  const form = await channel.form(statements, destination)
  const writer = createRowWriter(form, destination.columns, destination.numbered)
  const required = requireValues ? destination.columns.filter(({ column }) => !column.nullable) : []
  let lines = firstLine - 1
  let refused: RefusedLine | null = null
  let sending: Promise<RefusedLine | null> = Promise.resolve(null)

  const send = async (segment: Segment, sofar: StagedLedger | null): Promise<RefusedLine | null> => {
    const load = () => sendSegment(statements, destination, segment, form, channel.maxStatement)
    const problem = ledger && sofar ? await noted(statements, ledger.place, sofar, load) : await load()
    if (!problem) onProgress?.(segment.firstLine + segment.ends.length - 1)
    return problem
  }
  /** Waits for the segment on its way, then sends the next one. */
  const flush = async (): Promise<RefusedLine | null> => {
    const problem = await sending
    if (problem || writer.size === 0) return problem
    sending = send(writer.take(), ledger?.keeper.at(lines) ?? null)
    // Its failure is told to whoever awaits it next.
    sending.catch(() => {})
    return null
  }

  try {
    reading: for await (const batch of splitLines(source, { signal })) {
      let told = 0
      for (const { bytes, spans, line, end } of parsedLines(batch, firstLine - 1, item.entity, parser)) {
        const lacking = required.find(({ place }) => isNull(bytes, spans[place * 2]!, spans[place * 2 + 1]!))
        if (lacking) {
          const { path, column } = lacking.column
          refused = { line, cause: 'validation', message: `${path} is null, which column ${column} may not be` }
          break reading
        }
        addRow(() => writer.add(bytes, spans, line), item.entity, line)
        lines = line
        if (writer.size < SEGMENT_BYTES[form]) continue
        throwIfAborted(signal)
        ledger?.keeper.add(bytes.subarray(told, end))
        told = end
        refused = await flush()
        if (refused) break reading
      }
      ledger?.keeper.add(batch.bytes.subarray(told))
    }
    // What was sent before a refused line comes before it, and so does what may be wrong with it.
    refused = (await flush()) ?? (await sending) ?? refused
  } finally {
    await sending.catch(() => {})
  }
  return refused ? { rows: (refused.line ?? 1) - 1, refused } : { rows: lines }
}

interface ParsedLine {
  readonly bytes: Buffer
  readonly spans: ValueSpans
  readonly line: number
  /** Where it ends in `bytes`, its 0x0A included. */
  readonly end: number
}

/** Puts a segment and the ledger that speaks of it into one transaction: whoever finds one finds the other. Of a table that lacks a record nobody can go on. */
async function noted(
  statements: TargetStatements,
  place: LedgerPlace,
  sofar: StagedLedger,
  load: () => Promise<RefusedLine | null>,
): Promise<RefusedLine | null> {
  await statements.rows('beginning a transaction', 'START TRANSACTION')
  const problem = await load()
  await (problem ? forgetLedger(statements, place) : noteLedger(statements, place, sofar))
  await statements.rows('committing', 'COMMIT')
  return problem
}

/** `before`: lines that were before those that are split. */
function* parsedLines(batch: LineBatch, before: number, entity: string, parser: LineParser): Generator<ParsedLine, void, undefined> {
  const bytes = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
  const clean = isUtf8(bytes)
  let start = 0
  for (const [at, end] of batch.ends.entries()) {
    const line = before + batch.firstLine + at
    if (!clean && !isUtf8(bytes.subarray(start, end)))
      throw new HoldfastError('E_RECORD', `"${entity}", line ${line}: is not UTF-8`, { details: { entity, line } })
    yield { bytes, spans: parser.spans(bytes, start, end, line), line, end }
    start = end
  }
}

function addRow(add: () => void, entity: string, line: number): void {
  try {
    add()
  } catch (error) {
    if (!(error instanceof CellError)) throw error
    throw new HoldfastError('E_RECORD', `"${entity}", line ${line}, ${error.path}: ${error.message}`, { cause: error, details: { entity, line } })
  }
}
