/** A process of its own that backs the bank up, to be killed: `node export-child.ts <database url> <folder> [token]`. Says what it has on stdout. */
import { fsStorage } from '../../adapters/fs/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { resumeBackup, startBackup } from '../../src/export/index.ts'
import { planOf } from './backup-rig.ts'
import { bankStore } from './bank.ts'

const [url = '', root = '', token] = process.argv.slice(2)
const { store, pool } = bankStore(url)
const plan = planOf([store], { policy: { chunkBytes: 8 * 1024, concurrency: 2 } })
const storage = fsStorage({ root })
const environment = { stores: [store], repositoryOf: (bucket: string) => openRepository({ storage, prefix: `${bucket}/`, create: true }) }
const session = token
  ? await resumeBackup(token, { ...environment, planOf: () => plan })
  : await startBackup({ ...environment, plan, trigger: 'manual', metadata: {} })
console.log(`token ${session.token}`)
const { snapshotId } = await session.result()
console.log(`done ${snapshotId}`)
await pool.end()
