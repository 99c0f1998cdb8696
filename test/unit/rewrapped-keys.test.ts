import { expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { secretKey } from '../../src/crypto/encryption.ts'
import { collect } from '../support/collect.ts'

const [old, kept] = [secretKey(Buffer.alloc(32, 1)), secretKey(Buffer.alloc(32, 2))]

it('wraps that an earlier rewrap could not delete go with the next one: who was dropped opens nothing', async () => {
  const storage = memoryStorage()
  const ring = async (...providers: (typeof old)[]) => (await openRepository({ storage, create: true, encryption: { providers } })).keys!
  await ring(old)
  const forgotten = await storage.get('keys/0001.0001')
  await (await ring(old, kept)).rewrap()
  await storage.put('keys/0001.0001', forgotten, { ifAbsent: true })
  await (await ring(kept)).rewrap()
  expect((await collect(storage.list('keys/'))).map(({ key }) => key)).toEqual(['keys/0001.0003'])
  await expect(ring(old)).rejects.toMatchObject({ code: 'E_KEY_MISSING' })
})
