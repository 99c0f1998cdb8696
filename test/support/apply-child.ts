/**
 * A process of its own that applies a plan, to be killed: `node apply-child.ts <dialect> <database> <backups> <plan> <moment>`. It says `there` when it is where it is to be killed, and stands still.
 * `staging`: records are being loaded; `judged`: the merge has looked at its rows; `written`: all is written, and not committed.
 */
import 'reflect-metadata'
import { fsStorage } from '../../adapters/fs/index.ts'
import { createHoldfast, definePlan } from '../../src/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import type { StoryDialect } from '../fixtures/stories/story-tables.ts'
import { openTypeormStory } from '../fixtures/stories/story-typeorm.ts'

const [dialect, location = '', root = '', planId = '', moment] = process.argv.slice(2)
const { store, entities } = await openTypeormStory(dialect as StoryDialect, location)
const base = fsStorage({ root })
const read = new Set<string>()
const storage: StorageAdapter = {
  ...base,
  get(key, options) {
    // Each entity has a chunk of its own: at the second one the records of the first are staged.
    if (moment === 'staging' && key.endsWith('.hfc')) {
      read.add(key)
      if (read.size > 1) stop()
    }
    return base.get(key, options)
  },
  put(key, body, options) {
    if (moment === 'judged' && key.includes('/undo-rows/')) stop()
    if (moment === 'written' && key.includes('/undo/')) stop()
    return base.put(key, body, options)
  },
}
const holdfast = await createHoldfast({ stores: [store], storage, plans: [definePlan({ id: 'shop', description: 'd', entities })] })
await holdfast.restores.apply(planId)
console.log('done')
process.exit(0)

/** Stops the whole process where it is: nothing more is sent to the database. */
function stop(): never {
  process.stdout.write('there\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120_000)
  throw new Error('nobody came to kill this process')
}
