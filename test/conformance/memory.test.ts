import { describe, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { conformanceCases, runConformanceCase } from '../../src/storage/conformance/index.ts'

describe('memory storage keeps its promises', () => {
  for (const one of conformanceCases(memoryStorage().capabilities)) {
    test(one.name, () => {
      const storage = memoryStorage()
      return runConformanceCase(one, { open: () => storage })
    })
  }
})
