import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { azureBlobStorage } from '../../adapters/azure-blob/index.ts'
import { backupRig, manifestFaults, planOf } from '../support/backup-rig.ts'
import { bankFaults, bankStore, createBank } from '../support/bank.ts'
import { notRun } from '../support/not-run.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { provideAzurite } from '../support/provide-azurite.ts'
import { SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'
import { type TcpProxy, tcpProxy, type WireFault } from '../support/tcp-proxy.ts'

const server = await provideAzurite()
if (typeof server === 'string') notRun('Azure Blob Storage behind a bad line', server)

let proxy: TcpProxy | undefined
afterEach(async () => {
  await proxy?.close()
  proxy = undefined
})

/** Every third connection goes wrong; those between are well, so that trying again helps. */
const everyThird = (fault: WireFault) => (connection: number) => (connection % 3 === 1 ? fault : undefined)

describe.runIf(typeof server !== 'string')('case 20: a blob service behind a bad line', () => {
  const connectionString = typeof server === 'string' ? '' : server.url
  const endpoint = new URL(/BlobEndpoint=([^;]+)/.exec(connectionString)?.[1] ?? 'http://127.0.0.1:1')
  const container = `holdfast-${randomBytes(6).toString('hex')}`

  beforeAll(async () => {
    const name = '@azure/storage-blob' // not known to the compiler, so that it need not be there
    const { ContainerClient } = (await import(name)) as { readonly ContainerClient: new (...args: string[]) => { createIfNotExists(): Promise<unknown> } }
    await new ContainerClient(connectionString, container).createIfNotExists()
  })
  afterAll(async () => {
    if (typeof server !== 'string') await server.stop()
  })

  it.each<[string, WireFault]>([
    ['resets', { kind: 'reset', afterBytes: 700 }],
    ['resets before a word', { kind: 'reset', afterBytes: 0 }],
    ['ends that come too early', { kind: 'end', afterBytes: 900 }],
    ['a storm of 503', { kind: 'storm', retryAfterSeconds: 0 }],
    ['bodies that stop to come', { kind: 'silence', afterBytes: 800 }],
    ['bodies that come slowly', { kind: 'slow', restMs: 5 }],
  ])('%s: a backup is whole all the same, and is read back over the same line', async (_, fault) => {
    proxy = await tcpProxy({ host: endpoint.hostname, port: Number(endpoint.port) }, everyThird(fault))
    const through = connectionString.replace(endpoint.host, `127.0.0.1:${proxy.port}`)
    const prefix = `wire-${randomBytes(4).toString('hex')}/`
    const bad = azureBlobStorage({
      connectionString: through,
      container,
      prefix,
      retry: { attempts: 8, firstDelayMs: 1, longestDelayMs: 5, attemptTimeoutMs: 700, budget: 1000 },
    })
    const store = shopStore(40)
    const plan = planOf([store], { policy: { chunkBytes: 1000, concurrency: 2 } })
    const { snapshotId } = await (await backupRig({ stores: [store], plan, storage: bad }).start()).result()
    for (const storage of [bad, azureBlobStorage({ connectionString, container, prefix })]) {
      const rig = backupRig({ stores: [store], plan, storage })
      const manifest = await rig.manifest(snapshotId)
      expect(manifestFaults(manifest)).toEqual([])
      for (const entity of SHOP_ENTITIES) expect(await rig.lines(manifest, entity)).toBe(store.lines(entity))
    }
    expect(proxy.fired).toBeGreaterThan(0)
    await bad.close()
  })

  it('that is never well again ends in a typed error, in time, and after few requests', async () => {
    proxy = await tcpProxy({ host: endpoint.hostname, port: Number(endpoint.port) }, () => ({ kind: 'storm', retryAfterSeconds: 0 }))
    const through = connectionString.replace(endpoint.host, `127.0.0.1:${proxy.port}`)
    const storage = azureBlobStorage({ connectionString: through, container, retry: { attempts: 4, firstDelayMs: 1, longestDelayMs: 5 } })
    const started = performance.now()
    await expect(storage.get('a')).rejects.toMatchObject({ code: 'E_STORAGE', retryable: true, details: { attempts: 4, status: 503 } })
    expect(performance.now() - started).toBeLessThan(10_000)
    expect(proxy.fired).toBe(4)
    await storage.close()
  })
})

describe('case 31: a database behind a bad line', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
    await createBank((sql) => database.query(sql))
  })
  afterAll(async () => {
    await database.drop()
  })

  it.each<[string, WireFault]>([
    ['that is reset in the middle of the rows', { kind: 'reset', afterBytes: 300_000 }],
    ['that ends in the middle of the rows', { kind: 'end', afterBytes: 200_000 }],
    ['that is slow', { kind: 'slow', restMs: 1 }],
  ])('%s gives one committed state', async (_, fault) => {
    const url = new URL(database.url)
    // The first two that are opened go wrong, then all is well.
    proxy = await tcpProxy({ host: url.hostname, port: Number(url.port || 5432) }, (connection) => (connection <= 2 ? fault : undefined))
    url.host = `127.0.0.1:${proxy.port}`
    const bank = bankStore(url.href, 3)
    try {
      const rig = backupRig({ stores: [bank.store], plan: planOf([bank.store], { policy: { chunkBytes: 32 * 1024, concurrency: 1 } }) })
      const { snapshotId } = await (await rig.start()).result()
      const manifest = await rig.manifest(snapshotId)
      expect(manifestFaults(manifest)).toEqual([])
      const [account, entry, booked] = await Promise.all(['account', 'entry', 'booked'].map((entity) => rig.lines(manifest, entity)))
      expect(bankFaults({ account: account!, entry: entry!, booked: booked! })).toEqual([])
      expect(proxy.fired).toBeGreaterThan(0)
    } finally {
      await bank.pool.end()
    }
  })
})
