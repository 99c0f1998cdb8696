import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { conformanceCases, runConformanceCase } from '../../src/storage/conformance/index.ts'
import { backupSuite } from '../support/backup-suite.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describe.each([{ fsync: true }, { fsync: false }])('file system storage with %o keeps its promises', (options) => {
  const folder = temporaryFolder()
  afterAll(() => folder.remove())
  const open = () => fsStorage({ root: folder.path, ...options })
  for (const one of conformanceCases(open().capabilities)) test(one.name, () => runConformanceCase(one, { open }))

  backupSuite((prefix) => fsStorage({ root: join(folder.path, prefix), ...options }))
})
