import { describe, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { conformanceCases, runConformanceCase } from '../../src/storage/conformance/index.ts'
import { backupSuite } from '../support/backup-suite.ts'

describe('memory storage keeps its promises', () => {
  for (const one of conformanceCases(memoryStorage().capabilities)) {
    test(one.name, () => {
      const storage = memoryStorage()
      return runConformanceCase(one, { open: () => storage })
    })
  }

  const places = new Map<string, StorageAdapter>()
  backupSuite((prefix) => {
    const storage = places.get(prefix) ?? memoryStorage()
    places.set(prefix, storage)
    return storage
  })
})
