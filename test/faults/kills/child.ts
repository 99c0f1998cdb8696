/** A process of its own that goes on and on, to be killed: `node child.ts <folder>`. Writes a generation, backs it up, deletes a snapshot now and then. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fsStorage } from '../../../adapters/fs/index.ts'
import { openRepository } from '../../../src/archive/index.ts'
import { resumeBackup, startBackup } from '../../../src/export/index.ts'
import { isHoldfastError } from '../../../src/kernel/errors.ts'
import { collect } from '../../support/collect.ts'
import { planOf } from '../../support/backup-rig.ts'
import { nextGeneration, openGenerations } from './generations.ts'

const [folder = ''] = process.argv.slice(2)
const { file, store } = openGenerations(folder)
// A kill takes nothing from the page cache; without fsync a life holds more backups, and a run more deaths.
const storage = fsStorage({ root: join(folder, 'store'), fsync: process.env.HOLDFAST_KILLS_FSYNC === '1' })
const plan = planOf([store], { policy: { chunkBytes: 1500, concurrency: 2 } })
const repositoryOf = () => openRepository({ storage, prefix: 'main/', create: true })
const tokenFile = join(folder, 'token')
console.log('working')
for (let turn = 1; ; turn++) {
  nextGeneration(file)
  const token = existsSync(tokenFile) ? readFileSync(tokenFile, 'utf8') : ''
  try {
    const session =
      token === ''
        ? await startBackup({ stores: [store], repositoryOf, plan, trigger: 'manual', metadata: {}, kind: turn % 4 ? 'auto' : 'full' })
        : await resumeBackup(token, { stores: [store], repositoryOf, planOf: () => plan, takeover: true })
    writeFileSync(tokenFile, session.token)
    await session.result()
  } catch (error) {
    // A token that was cut off while it was written, or of a session that its death closed.
    if (!isHoldfastError(error, 'E_TOKEN_INVALID') && !isHoldfastError(error, 'E_SESSION_CLOSED')) throw error
  }
  rmSync(tokenFile, { force: true })
  if (turn % 5 === 0) {
    const scope = (await repositoryOf()).scope()
    const visible = await collect(scope.listSnapshots())
    if (visible.length > 3) await scope.hide(visible[0]!.id, 'the oldest')
  }
}
