import { bootId } from '../../adapters/sql/sqlite/boot-id.ts'
import type { TestDialect } from './declared-tables.ts'
import { notRun } from './not-run.ts'

/** Does a restore go on with what a killed one has staged? In SQLite only where the run of the operating system can be told; elsewhere it stages anew, and the summary says that this was not tried. */
export function takesUp(dialect: TestDialect): boolean {
  if (dialect !== 'sqlite' || bootId() !== null) return true
  notRun('taking up what was staged in SQLite', 'this system has no boot id', { required: false })
  return false
}
