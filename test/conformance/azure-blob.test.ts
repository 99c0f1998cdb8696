import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { azureBlobStorage } from '../../adapters/azure-blob/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { ordersChunk } from '../support/archive-rig.ts'
import { collect } from '../support/collect.ts'
import { notRun } from '../support/not-run.ts'
import { placeSuite } from '../support/place-suite.ts'
import { provideAzurite } from '../support/provide-azurite.ts'

interface Container {
  createIfNotExists(): Promise<unknown>
  deleteIfExists(): Promise<unknown>
  getBlockBlobClient(name: string): { setAccessTier(tier: string): Promise<unknown> }
}
interface Sdk {
  readonly ContainerClient: new (connectionString: string, container: string) => Container
}

const server = await provideAzurite()
if (typeof server === 'string') notRun('Azure Blob Storage', server)
const { capabilities } = azureBlobStorage({ connectionString: 'UseDevelopmentStorage=true', container: 'any' })

describe.runIf(typeof server !== 'string')('Azure Blob storage, on Azurite', () => {
  const connectionString = typeof server === 'string' ? '' : server.url
  const container = `holdfast-${randomBytes(6).toString('hex')}`
  let admin: Container

  beforeAll(async () => {
    const name = '@azure/storage-blob' // not known to the compiler, so that it need not be there
    const { ContainerClient } = (await import(name)) as Sdk
    admin = new ContainerClient(connectionString, container)
    await admin.createIfNotExists()
  })
  afterAll(async () => {
    await admin?.deleteIfExists()
    if (typeof server !== 'string') await server.stop()
  })

  placeSuite({ capabilities, open: (prefix) => azureBlobStorage({ connectionString, container, prefix }) })

  it('tells what the container is like', async () => {
    const storage = azureBlobStorage({ connectionString, container, prefix: 'place/' })
    const unheld = { versioning: null, objectLock: false, retention: null, archives: null }
    expect(await storage.place!()).toEqual(unheld) // no object yet that could tell
    await storage.put('a', Buffer.from('x'), { ifAbsent: true })
    expect(await storage.place!()).toEqual({ ...unheld, versioning: false })
    await storage.delete(['a', 'holdfast-probe'])
  })

  it('tells what lies in the archive tier, says so when it is read, and before it is needed', async () => {
    const storage = azureBlobStorage({ connectionString, container, prefix: 'archive/' })
    const { chunks } = (await openRepository({ storage, create: true })).scope()
    const { ref } = await chunks.put(await ordersChunk(1, 50))
    await chunks.assertWarm([ref])
    const key = `s/-/chunks/${ref.name.slice(0, 2)}/${ref.name}.hfc`
    const blob = admin.getBlockBlobClient(`archive/${key}`)
    await blob.setAccessTier('Archive')
    expect(await storage.stat(key)).toMatchObject({ archived: true })
    expect((await collect(storage.list(key)))[0]).toMatchObject({ archived: true })
    await expect(storage.get(key)).rejects.toMatchObject({ code: 'E_STORAGE_COLD' })
    await expect(chunks.assertWarm([ref])).rejects.toMatchObject({ code: 'E_STORAGE_COLD', details: { objects: 1, names: [key] } })
    await blob.setAccessTier('Hot')
    await chunks.assertWarm([ref])
    await chunks.verify(ref, { level: 'plain' })
  })

  describe('says what is wrong', () => {
    const once = { attempts: 1 }
    it('a container that is not there', async () => {
      const storage = azureBlobStorage({ connectionString, container: 'not-there', retry: once })
      for (const call of [
        () => storage.get('a'),
        () => storage.stat('a'),
        () => storage.put('a', Buffer.from('x'), { ifAbsent: true }),
        () => storage.delete(['a']),
        async () => {
          for await (const _ of storage.list(''));
        },
      ])
        await expect(call()).rejects.toMatchObject({ code: 'E_CONFIG', hint: expect.stringContaining('Make the container') })
    })

    it('a wrong key', async () => {
      const wrong = connectionString.replace(/AccountKey=[^;]+/, `AccountKey=${Buffer.alloc(64).toString('base64')}`)
      const storage = azureBlobStorage({ connectionString: wrong, container, retry: once })
      await expect(storage.get('a')).rejects.toMatchObject({ code: 'E_PERMISSION' })
      await expect(storage.put('a', Buffer.from('x'), { ifAbsent: true })).rejects.toMatchObject({ code: 'E_PERMISSION' })
    })

    it('a server that is not there, after all tries', async () => {
      const gone = connectionString.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1')
      const storage = azureBlobStorage({ connectionString: gone, container, retry: { attempts: 3, firstDelayMs: 1 } })
      await expect(storage.get('a')).rejects.toMatchObject({ code: 'E_STORAGE', retryable: true, details: { attempts: 3, transient: true } })
    })

    it('a connection string that is none, without showing it', async () => {
      const storage = azureBlobStorage({ connectionString: 'AccountKey=secret', container })
      const error = await storage.get('a').catch((cause: unknown) => cause)
      expect(error).toMatchObject({ code: 'E_CONFIG' })
      expect(String(error)).not.toContain('secret')
    })
  })
})

describe('azureBlobStorage refuses', () => {
  it.each([
    ['no place', { container: 'a' }, 'one of `connectionString`, `url` and `client`'],
    ['two places', { container: 'a', url: 'https://x', connectionString: 'y' }, 'one of `connectionString`, `url` and `client`'],
    ['no container', { url: 'https://x' }, '`container` is missing'],
    ['an unknown option', { container: 'a', url: 'https://x', prefx: 'a/' }, 'did you mean `prefix`?'],
    ['a prefix without a slash', { container: 'a', url: 'https://x', prefix: 'a' }, 'must end with a slash'],
    ['a try too few', { container: 'a', url: 'https://x', retry: { attempts: 0 } }, 'retry.attempts is 0'],
    ['tries of the SDK', { container: 'a', url: 'https://x', clientOptions: { retryOptions: {} } }, 'see `retry`'],
  ])('%s', (_, options, message) => {
    expect(() => azureBlobStorage(options)).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining(message) }))
  })
})
