import type { SqliteConnection } from '../connection.ts'
import { adaptiveSize, type Slices } from '../slices.ts'

/** Does `work` for all staged rows, a range of line numbers at a time, yielding between them. */
export function* forRanges(connection: SqliteConnection, staged: string, work: (first: bigint, last: bigint) => void): Slices<void> {
  const rows = connection.count(`SELECT coalesce(max(n), 0) FROM ${staged}`)
  const range = adaptiveSize(512, 16, 32_768)
  for (let first = 1; first <= rows;) {
    const last = Math.min(first + range.size - 1, rows)
    const began = performance.now()
    work(BigInt(first), BigInt(last))
    range.took(performance.now() - began)
    first = last + 1
    yield
  }
}
