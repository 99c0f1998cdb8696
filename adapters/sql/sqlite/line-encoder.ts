import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import { dynamicEncoder } from '../../../src/record/dynamic-codec.ts'
import type { SqliteEntity } from './catalog.ts'
import type { StoredRow } from './connection.ts'

/** About the bytes of one batch: the unit of compression. */
const BATCH_BYTES = 1024 * 1024
const SLACK = 64 * 1024

/** Turns rows into record lines, gathered into batches. */
export interface LineEncoder {
  add(rows: readonly StoredRow[]): void
  /** The batch is large enough to be handed on. */
  readonly full: boolean
  /** What was added since the last time; null when nothing was. The bytes are not used again. */
  take(): RecordBatch | null
}

/** @param references property paths whose spans the marks hold */
export function createLineEncoder(entity: SqliteEntity, references: readonly string[] = []): LineEncoder {
  const { columns, descriptor } = entity
  const encoders = columns.map(({ affinity }) => dynamicEncoder(affinity))
  const heads = columns.map(({ path }, at) => `${at === 0 ? '{' : ','}${JSON.stringify(path)}:`)
  const referenceAt = references.map((path) => columns.findIndex((column) => column.path === path))
  const lastKey = descriptor.key.length - 1
  const stride = 2 + references.length * 2
  // Where each value of the line begins and ends, in UTF-16 units, which are bytes as long as all is ASCII.
  const starts = new Uint32Array(columns.length)
  const ends = new Uint32Array(columns.length)

  let bytes = Buffer.allocUnsafeSlow(BATCH_BYTES + SLACK)
  let used = 0
  let rowCount = 0
  let marks = new Uint32Array(1024 * stride)

  function add(row: StoredRow): void {
    let line = ''
    for (let at = 0; at < encoders.length; at++) {
      line += heads[at]!
      starts[at] = line.length
      line += row[at] === null ? 'null' : encoders[at]!(row[at] ?? null)
      ends[at] = line.length
    }
    line += '}\n'
    reserve(line.length * 3)
    const written = bytes.write(line, used, 'utf8')
    const ascii = written === line.length
    const offset = (unit: number) => used + (ascii ? unit : Buffer.byteLength(line.slice(0, unit)))
    if ((rowCount + 1) * stride > marks.length) {
      const more = new Uint32Array(marks.length * 2)
      more.set(marks)
      marks = more
    }
    let mark = rowCount * stride
    marks[mark++] = used + written
    marks[mark++] = offset(ends[lastKey]!)
    for (const at of referenceAt) {
      const end = offset(ends[at]!)
      marks[mark++] = row[at] === null ? end : offset(starts[at]!)
      marks[mark++] = end
    }
    used += written
    rowCount++
  }

  function reserve(size: number): void {
    if (used + size <= bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, used + size))
    bytes.copy(larger, 0, 0, used)
    bytes = larger
  }

  return {
    add(rows) {
      for (const row of rows) add(row)
    },
    get full() {
      return used >= BATCH_BYTES
    },
    take() {
      if (rowCount === 0) return null
      const batch = { bytes: bytes.subarray(0, used), rows: rowCount, marks: marks.slice(0, rowCount * stride), stride }
      bytes = Buffer.allocUnsafeSlow(BATCH_BYTES + SLACK)
      used = 0
      rowCount = 0
      return batch
    },
  }
}
