import { type ManifestEntity, type RangeEntry, readRange } from '../archive/index.ts'
import { mayMatch } from '../compare/may-match.ts'
import { createRecordReader } from '../compare/record-reader.ts'
import { compileWhere } from '../compare/where.ts'
import { throwIfAborted } from '../kernel/abort.ts'
import { createLineParser } from '../record/index.ts'
import type { RowPick } from '../restore/index.ts'
import { ASKED } from './closure.ts'
import { filterLines } from './line-filter.ts'
import type { ChosenRows, SelectRowsOptions } from './select-rows.ts'

/** Rows that hold conditions, without a note of their keys. */
export async function matchingRows({ chunks: open, signal }: SelectRowsOptions, entity: ManifestEntity, { where = {}, fields }: RowPick): Promise<ChosenRows> {
  const { descriptor, bucket } = entity
  const conditions = compileWhere(descriptor, where)
  const rest = { fields, onlyParents: false, why: () => ASKED }
  if (conditions.length === 0) return { rows: entity.rows, ranges: entity.ranges.filter(({ rows }) => rows > 0), filter: (pieces) => pieces, ...rest }
  const parser = createLineParser({ entity: descriptor.name, fields: descriptor.fields.map(({ path }) => path) })
  const reader = createRecordReader(descriptor, [descriptor.key[0]!], conditions)
  const filter = (pieces: AsyncIterable<Uint8Array>) =>
    filterLines(pieces, descriptor.key.length, (line) => reader(line, parser.spans(line, 0, line.byteLength, 1)) !== null)
  const chunks = await open(bucket)
  const ranges: RangeEntry[] = []
  let rows = 0
  for (const range of entity.ranges) {
    throwIfAborted(signal)
    if (range.rows === 0 || !(await mayMatch(chunks, range, descriptor, conditions, { signal }))) continue
    const before = rows
    for await (const piece of filter(readRange(chunks, range, { signal }))) rows += countLines(piece)
    if (rows > before) ranges.push(range)
  }
  return { rows, ranges, filter, ...rest }
}

function countLines(piece: Uint8Array): number {
  let lines = 0
  for (let at = piece.indexOf(0x0a); at >= 0; at = piece.indexOf(0x0a, at + 1)) lines++
  return lines
}
