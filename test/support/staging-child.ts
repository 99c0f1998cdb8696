/**
 * A restore in a process of its own, to be killed: `node staging-child.ts <database> <folder> <snapshot> <object>`. Stops dead where it reads that object of the storage, and says `stopped`.
 */
import { stagingShop } from './staging-shop.ts'

const [location = '', root = '', snapshot = '', object = ''] = process.argv.slice(2)
const { holdfast } = await stagingShop(location, root, {
  reads(key) {
    if (!key.includes(object)) return
    process.stdout.write('stopped\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)
    throw new Error('nobody came to kill this process')
  },
})
await holdfast.restores.restore({ snapshot, policy: 'overwrite' })
