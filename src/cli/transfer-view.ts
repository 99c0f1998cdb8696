import { bytes, count } from '../kernel/amounts.ts'
import type { Output } from './output.ts'

const EVERY_MS = 1000
const PLAIN_EVERY_MS = 10_000

/** Of records that go into a file or come out of one. */
export interface Transferred {
  readonly records: number
  readonly totalRecords?: number
  readonly storedBytes?: number
}

/** Shows how far it is: a line painted over on a terminal, else one every ten seconds; for programs a `transfer` line each second. `end` leaves no trace of the painted one. */
export function transferView(output: Output, operation: string, now: () => number = Date.now): { onProgress(progress: Transferred): void; end(): void } {
  let shown = now()
  let painted = false
  return {
    onProgress({ records, totalRecords, storedBytes }) {
      const at = now()
      if (at - shown < (output.json || output.repaints ? EVERY_MS : PLAIN_EVERY_MS)) return
      shown = at
      output.record('transfer', { operation, records, totalRecords: totalRecords ?? null, storedBytes: storedBytes ?? null })
      const all = totalRecords === undefined ? '' : ` of ${count(totalRecords)}`
      const text = `${operation}: ${count(records)}${all} records${storedBytes === undefined ? '' : `, ${bytes(storedBytes)} stored`}`
      if (!output.repaints) return output.note(text)
      output.paint(`\r\u001b[K${text}`)
      painted = true
    },
    end() {
      if (painted) output.paint('\r\u001b[K')
    },
  }
}
