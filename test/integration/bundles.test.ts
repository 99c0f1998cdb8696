import { createReadStream, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { KeyProvider, StorageAdapter } from '../../src/contracts/index.ts'
import { generateRecipient, passphrase, recipient, secretKey } from '../../src/crypto/encryption.ts'
import { createHoldfast, definePlan, type Holdfast, type HoldfastOptions } from '../../src/index.ts'
import { collect } from '../support/collect.ts'
import type { DatabaseImage } from '../support/database-image.ts'
import { type DeclaredEntity, type DeclaredStore, openDeclared } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { failure } from '../support/failure.ts'
import { settle } from '../support/postgres.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SHOP: readonly DeclaredEntity[] = [
  { name: 'Customer', table: 'customer', properties: { email: { type: 'varchar' } } },
  { name: 'Order', table: 'orders', properties: { customer: { of: 'Customer', column: 'customer_id' }, note: {} } },
]
const many = (from: number, to: number, row: (n: number) => string) => Array.from({ length: to - from + 1 }, (_, n) => `(${row(from + n)})`).join(', ')
const order = (n: number) => `${n}, ${1 + (n % 10)}, '${`order ${n} `.repeat(12)}'`
const SQL = [
  `CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(200) NOT NULL)`,
  `CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), note VARCHAR(400) NOT NULL)`,
  `INSERT INTO customer (id, email) VALUES ${many(1, 10, (n) => `${n}, 'person${n}@mail.test'`)}`,
  `INSERT INTO orders (id, customer_id, note) VALUES ${many(1, 3000, order)}`,
]
/** Few rows of many: they are layered over what is there. */
const CHANGE = [
  `UPDATE orders SET note = 'rewritten' WHERE id = 77`,
  `DELETE FROM orders WHERE id = 1501`,
  `INSERT INTO orders (id, customer_id, note) VALUES (${order(3001)})`,
]
const EMPTY = [`DELETE FROM orders`, `DELETE FROM customer`]

const own = secretKey(Buffer.alloc(32, 1))
const theirs = generateRecipient()

/** What is still under way elsewhere on the server would make all rows look as if they had just been written. */
async function settled(dialect: string, location: string): Promise<void> {
  if (dialect !== 'postgres') return
  const client = new pg.Client({ connectionString: location })
  await client.connect()
  await settle({ query: async (sql: string) => (await client.query(sql)).rows }).finally(() => client.end())
}

describe.each(['postgres', 'mysql', 'sqlite'] as const)('a bundle of a snapshot on %s', (dialect) => {
  const folder = temporaryFolder()
  const at = (name: string) => join(folder.path, name)
  const opened: Holdfast[] = []
  let database: LiveDatabase
  let shop: DeclaredStore
  let image: DatabaseImage
  /** Of each source: the storage that the application has, and the snapshot with layers. */
  const sources: Record<'plain' | 'encrypted', { holdfast: Holdfast; snapshot: string }> = {} as never

  async function holdfastOver(storage: StorageAdapter, providers: readonly KeyProvider[] = [], more: Partial<HoldfastOptions> = {}): Promise<Holdfast> {
    const plan = definePlan({ id: 'shop', description: 'All', entities: [...shop.names], policy: { chunkBytes: 64 * 1024 } })
    const holdfast = await createHoldfast({
      stores: [shop.store],
      storage,
      plans: [plan],
      ...(providers.length > 0 ? { encryption: { providers } } : {}),
      ...more,
    })
    opened.push(holdfast)
    return holdfast
  }

  beforeAll(async () => {
    database = await createLiveDatabase(dialect)
    await database.carelessly(...SQL)
    shop = await openDeclared('TypeORM', dialect, database.location, SHOP)
    sources.plain = { holdfast: await holdfastOver(memoryStorage()), snapshot: '' }
    sources.encrypted = { holdfast: await holdfastOver(memoryStorage(), [own]), snapshot: '' }
    await settled(dialect, database.location)
    for (const source of Object.values(sources)) await source.holdfast.backups.run('shop')
    await database.carelessly(...CHANGE)
    image = await database.image()
    await settled(dialect, database.location)
    for (const source of Object.values(sources)) source.snapshot = (await source.holdfast.backups.run('shop', { kind: 'incremental' })).snapshotId
  })
  afterAll(async () => {
    for (const holdfast of opened) await holdfast.close()
    await shop.close()
    await database.drop()
    folder.remove()
  })

  async function expectRestored(holdfast: Holdfast, snapshot: string): Promise<void> {
    expect((await holdfast.discovery.verify(snapshot)).damages).toEqual([])
    expect(await collect(await holdfast.comparisons.compare({ before: snapshot }))).toEqual([])
    await database.carelessly(...EMPTY)
    const result = await holdfast.restores.restore({ snapshot })
    expect(result.totals.create).toBe(3010)
    expect(await database.image()).toEqual(image)
  }

  it('has layers to take along', async () => {
    const { holdfast, snapshot } = sources.plain
    const manifest = await holdfast.discovery.snapshot(snapshot)
    expect(manifest.entities.some(({ ranges }) => ranges.some(({ layers }) => layers.length > 1))).toBe(true)
  })

  it('goes plain into another repository, is restored there, and is there once', async () => {
    const { holdfast, snapshot } = sources.plain
    const progress: number[] = []
    const report = await holdfast.bundles.export(snapshot, { to: at('plain'), onProgress: ({ records }) => progress.push(records) })
    expect(report).toMatchObject({ snapshotId: snapshot, entities: 2, records: 3010, openedBy: null, erased: [] })
    expect(report.bytes).toBe(readFileSync(at('plain')).byteLength)
    expect(progress.at(-1)).toBe(3010)
    expect(progress.length).toBeGreaterThan(3)
    const target = await holdfastOver(memoryStorage())
    const expected = { snapshotId: snapshot, planId: 'shop', bucket: 'default', entities: 2, records: 3010 }
    expect(await target.bundles.import(at('plain'))).toEqual({ ...expected, outcome: 'imported' })
    const manifest = await target.discovery.snapshot(snapshot)
    expect(manifest.origin).toEqual({ repositoryId: (await holdfast.discovery.snapshot(snapshot)).repositoryId })
    expect(manifest.entities.flatMap(({ ranges }) => ranges.map(({ layers }) => layers.length))).not.toContain(2)
    await expectRestored(target, snapshot)
    expect(await target.bundles.import(createReadStream(at('plain')))).toEqual({ ...expected, outcome: 'present' })
    // Where it came from it is, too.
    expect(await holdfast.bundles.import(at('plain'))).toEqual({ ...expected, outcome: 'present' })
  })

  it('holds nothing that a later version of a row replaced', async () => {
    await sources.plain.holdfast.bundles.export(sources.plain.snapshot, { to: at('state') })
    const target = await holdfastOver(memoryStorage())
    await target.bundles.import(at('state'))
    const reader = await target.discovery.open(sources.plain.snapshot)
    expect(await reader.findOne('Order', 1501)).toBeNull()
    expect(await reader.findOne('Order', 77)).toMatchObject({ note: 'rewritten' })
    const manifest = await target.discovery.snapshot(sources.plain.snapshot)
    for (const { ranges } of manifest.entities) for (const { rows, layers } of ranges) expect(layers.map((layer) => layer.rows)).toEqual([rows])
  })

  it('is sealed for somebody who gets no key of the repository, and read with their own', async () => {
    const { holdfast, snapshot } = sources.encrypted
    const report = await holdfast.bundles.export(snapshot, { to: at('theirs'), recipients: [recipient({ publicKey: theirs.publicKey })] })
    expect(report.openedBy).toEqual([{ kind: 'x25519', reference: recipient({ publicKey: theirs.publicKey }).reference }])
    const bytes = readFileSync(at('theirs'))
    for (const word of ['Order', 'customer', 'person3', 'rewritten', own.reference]) expect(bytes.includes(word), word).toBe(false)

    const elsewhere = await holdfastOver(memoryStorage(), [secretKey(Buffer.alloc(32, 9))])
    const closed = await elsewhere.bundles.inspect(at('theirs'))
    expect(closed).toMatchObject({ openedBy: report.openedBy, snapshot: null, bytes: bytes.byteLength, verified: false })
    await failure(elsewhere.bundles.inspect(at('theirs'), { verify: true }), 'E_KEY_MISSING')
    for (const identities of [undefined, [own], [recipient({ publicKey: theirs.publicKey })], [recipient(generateRecipient())]]) {
      const missing = await failure(elsewhere.bundles.import(at('theirs'), identities ? { identities } : {}), 'E_KEY_MISSING')
      expect(missing.message).toContain(`x25519 ${report.openedBy![0]!.reference}`)
      expect(missing.hint).toContain('--identity')
    }
    expect(await elsewhere.discovery.snapshots()).toEqual([])

    const identities = [recipient({ privateKey: theirs.privateKey })]
    const facts = await elsewhere.bundles.inspect(at('theirs'), { identities, verify: true })
    expect(facts.snapshot).toMatchObject({ id: snapshot, planId: 'shop', scope: null, records: 3010, stores: [{ name: 'default' }] })
    expect(facts.verified).toBe(true)
    expect((await elsewhere.bundles.import(at('theirs'), { identities })).outcome).toBe('imported')
    await expectRestored(elsewhere, snapshot)
    expect((await elsewhere.backups.run('shop', { kind: 'incremental' })).kindReason).toContain('no snapshot to build on')
  })

  if (dialect !== 'sqlite') return // what follows is not of the database

  it('of an encrypted bucket is plain only when that is said, on the way out and on the way in', async () => {
    const { holdfast, snapshot } = sources.encrypted
    const sealed = await holdfast.bundles.export(snapshot, { to: at('own') })
    expect(sealed.openedBy).toEqual([{ kind: own.kind, reference: own.reference }])
    await failure(holdfast.bundles.export(snapshot, { to: at('no'), plain: true, recipients: [own] }), 'E_CONFIG')
    const plain = await holdfastOver(memoryStorage())
    const refused = await failure(plain.bundles.import(at('own'), { identities: [own] }), 'E_CONFIG')
    expect(refused.hint).toContain('--plain')
    expect(await plain.discovery.snapshots()).toEqual([])
    await plain.bundles.import(at('own'), { identities: [own], plain: true })
    expect((await plain.discovery.verify(snapshot)).damages).toEqual([])

    expect((await holdfast.bundles.export(snapshot, { to: at('clear'), plain: true })).openedBy).toBeNull()
    const into = await holdfastOver(memoryStorage(), [passphrase('correct horse battery', { cost: 14 })])
    await failure(into.bundles.import(at('clear'), { identities: [own] }), 'E_CONFIG')
    await into.bundles.import(at('clear'))
    expect((await into.discovery.verify(snapshot)).damages).toEqual([])
    // Its own keys open what was sealed for the bucket, without being given.
    expect((await holdfast.bundles.import(at('own'))).outcome).toBe('present')
  })

  it('goes through a stream both ways', async () => {
    const { holdfast, snapshot } = sources.plain
    const pipe = new PassThrough({ highWaterMark: 1024 })
    const target = await holdfastOver(memoryStorage())
    const [report, imported] = await Promise.all([holdfast.bundles.export(snapshot, { to: pipe }), target.bundles.import(pipe)])
    expect(imported).toMatchObject({ outcome: 'imported', records: report.records })
  })

  it('leaves nothing of an export that fails, and writes over nothing', async () => {
    const { holdfast, snapshot } = sources.plain
    writeFileSync(at('taken'), 'mine')
    await failure(holdfast.bundles.export(snapshot, { to: at('taken') }), 'E_STORAGE_EXISTS')
    expect(readFileSync(at('taken'), 'utf8')).toBe('mine')
    await failure(holdfast.bundles.export(snapshot, { to: join(folder.path, 'nowhere', 'bundle') }), 'E_CONFIG')
    const abort = new AbortController()
    await failure(holdfast.bundles.export(snapshot, { to: at('aborted'), signal: abort.signal, onProgress: () => abort.abort() }), 'E_ABORTED')
    expect(existsSync(at('aborted'))).toBe(false)
    expect(readdirSync(folder.path).filter((name) => name.startsWith('.'))).toEqual([])
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('the line is down')) })
    expect((await failure(holdfast.bundles.export(snapshot, { to: broken }), 'E_STORAGE')).message).toContain('the line is down')
    expect(broken.destroyed).toBe(true)
    await failure(holdfast.bundles.export(snapshot.replace(/.$/, 'x'), { to: at('unknown') }), 'E_SNAPSHOT_UNKNOWN')
    // Nobody waits for what never comes.
    const waited = new PassThrough()
    const both = await Promise.allSettled([holdfast.bundles.export(snapshot.replace(/.$/, 'x'), { to: waited }), holdfast.bundles.inspect(waited)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await failure(holdfast.bundles.export(snapshot, { to: at('x'), recipent: [own] } as never), 'E_CONFIG')
  })

  it('leaves nothing visible of an import that is aborted, and goes on from what it stored', async () => {
    const { holdfast, snapshot } = sources.plain
    await holdfast.bundles.export(snapshot, { to: at('halfway') })
    const target = await holdfastOver(memoryStorage())
    const abort = new AbortController()
    await failure(target.bundles.import(at('halfway'), { signal: abort.signal, onProgress: () => abort.abort() }), 'E_ABORTED')
    expect(await target.discovery.snapshots()).toEqual([])
    expect((await target.bundles.import(at('halfway'))).outcome).toBe('imported')
    expect((await target.discovery.verify(snapshot)).damages).toEqual([])
    await target.discovery.delete(snapshot, { reason: 'a trial' })
    expect((await failure(target.bundles.import(at('halfway')), 'E_STORAGE_EXISTS')).hint).toContain('prune')
  })
})
