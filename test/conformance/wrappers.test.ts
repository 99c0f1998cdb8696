import { afterAll, describe, test } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { conformanceCases, runConformanceCase } from '../../src/storage/conformance/index.ts'
import { breakerStorage, limitStorage, meterStorage, mirrorStorage, retryStorage } from '../../src/storage/index.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const [second, third] = [memoryStorage({ name: 'second' }), memoryStorage({ name: 'third' })]

/** Every wrapper must keep the promises of what it wraps. */
const wrappers: readonly (readonly [string, (base: StorageAdapter) => StorageAdapter])[] = [
  ['retryStorage', (base) => retryStorage(base)],
  ['limitStorage', (base) => limitStorage(base, { uploadBytesPerSecond: 1e9, downloadBytesPerSecond: 1e9, concurrency: 3 })],
  ['meterStorage', (base) => meterStorage(base)],
  ['breakerStorage', (base) => breakerStorage(base)],
  ['mirrorStorage', (base) => mirrorStorage({ copies: [{ storage: base }, { storage: second }, { storage: third, required: false }] })],
]

describe.each(wrappers)('%s keeps the promises', (_, wrap) => {
  const folder = temporaryFolder()
  afterAll(() => folder.remove())
  const memory = memoryStorage()
  const bases: readonly (readonly [string, () => StorageAdapter])[] = [
    ['memory', () => memory],
    ['files', () => fsStorage({ root: folder.path, fsync: false })],
  ]
  describe.each(bases)('of %s', (_, base) => {
    const open = () => wrap(base())
    for (const one of conformanceCases(open().capabilities)) test(one.name, () => runConformanceCase(one, { open }))
  })
})
