import type { RestoreLog } from '../archive/index.ts'
import type { LineSource } from '../contracts/restore-target.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { rowHash } from './row-hash.ts'
import { readRowPages } from './row-pages.ts'
import type { AfterRow, BeforeRow, UndoEntity } from './undo-journal.ts'

/** Bytes of lines that are given at once. */
const BATCH_BYTES = 256 * 1024

export interface UndoSource {
  readonly log: Pick<RestoreLog, 'readPartText'>
  readonly restoreId: string
  readonly entity: UndoEntity
}

/** A row on its way back: what it was, or, of a created one, the line that is to go; and the hash of what must be live. */
interface UndoRow {
  readonly line: string
  readonly expected: string | null
}

/** How many of the lines are written: those behind them stand for created rows, which are deleted. */
export function writtenLines({ counts }: UndoEntity): number {
  return counts.update + counts.delete
}

/** Rows as they were, then those that the restore created. */
export function undoLines(source: UndoSource): LineSource {
  const { counts } = source.entity
  return {
    rows: counts.create + counts.update + counts.delete,
    async *open(options) {
      let lines: string[] = []
      let bytes = 0
      for await (const { line } of undoRows(source, options)) {
        lines.push(line, '\n')
        bytes += line.length
        if (bytes < BATCH_BYTES) continue
        yield Buffer.from(lines.join(''))
        lines = []
        bytes = 0
      }
      if (lines.length > 0) yield Buffer.from(lines.join(''))
    },
  }
}

/** The hash of what must be live for each line, asked in ascending order. */
export function expectedRows(source: UndoSource, options: AbortableOptions): (line: number) => Promise<string | null> {
  const rows = undoRows(source, options)
  let at = 0
  let expected: string | null = null
  return async (line) => {
    for (; at < line; at++) {
      const step = await rows.next()
      expected = step.done ? null : step.value.expected
    }
    return expected
  }
}

async function* undoRows(source: UndoSource, options: AbortableOptions = {}): AsyncGenerator<UndoRow, void, undefined> {
  for await (const [[action, , before], after] of bothSides(source, options)) {
    if (action !== 'create') yield { line: before!, expected: after }
  }
  if (source.entity.counts.create === 0) return
  for await (const [[action], after] of bothSides(source, options)) {
    if (action === 'create') yield { line: after!, expected: rowHash(after) }
  }
}

async function* bothSides({ log, restoreId, entity }: UndoSource, options: AbortableOptions): AsyncGenerator<readonly [BeforeRow, AfterRow], void, undefined> {
  const place = { log, id: restoreId, part: 'undo-rows' } as const
  const afters = readRowPages<AfterRow>(place, entity.after, options)
  for await (const before of readRowPages<BeforeRow>(place, entity.before, options)) {
    const after = await afters.next()
    yield [before, after.done ? null : after.value]
  }
}
