/**
 * A process of its own that restores the ledger, to be killed: `node restore-child.ts <dialect> <database> <folder> <snapshot>`.
 * Says `begun` when its modules are loaded, and `done` after the restore.
 */
import type { ChinookDialect } from '../fixtures/chinook/chinook-names.ts'
import { ledgerHoldfast } from './ledger.ts'

const [dialect, location = '', root = '', snapshot = ''] = process.argv.slice(2)
const { holdfast, close } = await ledgerHoldfast(dialect as ChinookDialect, location, root)
console.log('begun')
await holdfast.restores.restore({ snapshot, policy: 'overwrite' })
console.log('done')
await close()
