import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, type HoldfastOptions } from '../../src/index.ts'

describe('the stores that createHoldfast is given', () => {
  it.each([
    ['a data source that nobody wrapped', { isInitialized: true, options: {} }],
    ['nothing', undefined],
  ])('refuses %s, and says how to wrap it', async (_what, store) => {
    const stores: unknown = [store]
    await expect(createHoldfast({ stores: stores as HoldfastOptions['stores'], storage: memoryStorage() })).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining('`stores[0]` is no entity store'),
      hint: expect.stringContaining('typeormStore(dataSource)'),
    })
  })
})
