import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openBundle, openBundleSource, fileSource } from '../../src/bundle/index.ts'
import { readRange } from '../../src/archive/index.ts'
import { secretKey } from '../../src/crypto/encryption.ts'
import { createHoldfast, definePlan, type Holdfast } from '../../src/index.ts'
import { CUSTOMERS, TENANTS } from '../fixtures/tenants/tenant-shop.ts'
import { collect } from '../support/collect.ts'
import { type DeclaredEntity, type DeclaredStore, openDeclared } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { failure } from '../support/failure.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { openTenantRig, type TenantRig } from '../support/tenant-rig.ts'

const key = (n: number) => secretKey(Buffer.alloc(32, n))
const [ACME, LOUD, , NASTY] = TENANTS

describe('a bundle of a tenant', () => {
  const folder = temporaryFolder()
  const at = (name: string) => join(folder.path, name)
  const snapshots = new Map<string, string>()
  let rig: TenantRig
  let other: Holdfast

  beforeAll(async () => {
    rig = await openTenantRig({ dialect: 'sqlite', orm: 'TypeORM' }, { encryption: { providers: [key(1)] } })
    for (const tenant of [ACME, LOUD, NASTY]) snapshots.set(tenant, await rig.backUp(tenant))
    other = await rig.again({ storage: memoryStorage(), encryption: { providers: [key(2)] } })
  })
  afterAll(async () => {
    await other.close()
    await rig.close()
    folder.remove()
  })

  it.each([ACME, NASTY])('%j holds that tenant alone, and goes to that tenant alone', async (tenant) => {
    const id = snapshots.get(tenant)!
    await failure(rig.holdfast.bundles.export(id, { to: at('none') }), 'E_SNAPSHOT_UNKNOWN')
    await failure(rig.holdfast.bundles.export(id, { to: at('none'), scope: LOUD }), 'E_SNAPSHOT_UNKNOWN')
    const file = at(`of-${TENANTS.indexOf(tenant)}`)
    await rig.holdfast.bundles.export(id, { to: file, scope: tenant, recipients: [key(3)] })
    const { snapshot } = await other.bundles.inspect(file, { identities: [key(3)] })
    expect(snapshot).toMatchObject({ scope: tenant, records: (await rig.holdfast.discovery.snapshot(id, { scope: tenant })).totals.rows })

    await failure(other.bundles.import(file, { identities: [key(3)] }), 'E_SCOPE')
    await failure(other.bundles.import(file, { identities: [key(3)], scope: LOUD }), 'E_SCOPE')
    for (const scope of [tenant, LOUD]) expect(await other.discovery.snapshots({ scope })).toEqual([])
    expect(await other.bundles.import(file, { identities: [key(3)], scope: tenant })).toMatchObject({ outcome: 'imported', bucket: 'default' })
    expect((await other.discovery.verify(id, { scope: tenant })).damages).toEqual([])
    const customers = await collect((await other.discovery.open(id, { scope: tenant })).stream('Customer'))
    expect(customers).toHaveLength(CUSTOMERS)
    for (const customer of customers) expect(customer).toMatchObject({ tenant })
    for (const scope of [LOUD, undefined]) expect(await other.discovery.snapshots({ scope })).toEqual([])

    await rig.database.carelessly('DELETE FROM order_line', 'DELETE FROM order_tag')
    const { totals } = await other.restores.restore({ snapshot: id, scope: tenant })
    expect(totals).toMatchObject({ create: CUSTOMERS * 4, update: 0, delete: 0 })
  })

  it('is not made of one whose keys were destroyed, nor taken in for one', async () => {
    await rig.holdfast.bundles.export(snapshots.get(LOUD)!, { to: at('loud'), scope: LOUD })
    await rig.holdfast.keys.shred({ scope: LOUD })
    // By a process that has never had the keys.
    const again = await rig.again({})
    await failure(again.bundles.export(snapshots.get(LOUD)!, { to: at('shredded'), scope: LOUD }), 'E_KEY_SHREDDED')
    await failure(again.bundles.import(at('loud'), { scope: LOUD }), 'E_KEY_SHREDDED')
  })
})

const SHOP: readonly DeclaredEntity[] = [
  { name: 'Customer', table: 'customer', properties: { email: { type: 'varchar' } } },
  { name: 'Order', table: 'orders', properties: { customer: { of: 'Customer', column: 'customer_id' }, note: {} } },
]
const many = (count: number, row: (n: number) => string) => Array.from({ length: count }, (_, n) => `(${row(n + 1)})`).join(', ')

describe('a bundle of what was erased', () => {
  const folder = temporaryFolder()
  const file = join(folder.path, 'bundle')
  let database: LiveDatabase
  let shop: DeclaredStore
  let holdfast: Holdfast
  let other: Holdfast
  let snapshot: string
  let firstKeys: readonly (string | null)[]

  beforeAll(async () => {
    database = await createLiveDatabase('sqlite')
    await database.carelessly(
      `CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(200) NOT NULL)`,
      `CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), note VARCHAR(400) NOT NULL)`,
      `INSERT INTO customer (id, email) VALUES ${many(2000, (n) => `${n}, 'person${n}@mail.test, whose address is a long one, so that the table fills more than one chunk'`)}`,
      `INSERT INTO orders (id, customer_id, note) VALUES ${many(40, (n) => `${n}, ${n}, 'of person${n}@mail.test'`)}`,
    )
    shop = await openDeclared('TypeORM', 'sqlite', database.location, SHOP)
    const plan = definePlan({ id: 'shop', description: 'All', entities: [...shop.names], policy: { chunkBytes: 64 * 1024 } })
    const open = () => createHoldfast({ stores: [shop.store], storage: memoryStorage(), plans: [plan] })
    holdfast = await open()
    other = await open()
    await holdfast.backups.run('shop')
    ;({ snapshotId: snapshot } = await holdfast.backups.run('shop', { kind: 'incremental' }))
    const customers = (await holdfast.discovery.snapshot(snapshot)).entities.find(({ descriptor }) => descriptor.name === 'Customer')!
    firstKeys = customers.ranges.map(({ from }) => from)
  })
  afterAll(async () => {
    await holdfast.close()
    await other.close()
    await shop.close()
    await database.drop()
    folder.remove()
  })

  it('does not hold it, in no chunk and under no key', async () => {
    expect(firstKeys.length).toBeGreaterThan(2)
    // One within a range, and one whose key is where a range begins.
    const bound = Number(JSON.parse(firstKeys[1]!)[0])
    for (const id of [2, bound]) await holdfast.erasures.erase('Customer', id, { reason: 'GDPR-88' })
    const report = await holdfast.bundles.export(snapshot, { to: file })
    expect(report.erased).toEqual([
      { store: 'default', entity: 'Customer', records: 2 },
      { store: 'default', entity: 'Order', records: 1 },
    ])
    expect(report.records).toBe(2037)

    const reader = await openBundleSource(await fileSource(file, {}), {})
    const { manifest, scope } = await openBundle(reader.storage, { holders: null, identities: [] })
    const lines: Buffer[] = []
    const keys: (string | null)[] = []
    for (const { ranges } of manifest.entities) {
      for (const range of ranges) {
        keys.push(range.from, range.to, range.firstKey, range.lastKey)
        for await (const piece of readRange(scope.chunks, range)) lines.push(Buffer.from(piece))
        for (const layer of range.layers) keys.push(...(await scope.chunks.readIndex(layer)).keys())
      }
    }
    await reader.storage.close()
    const text = Buffer.concat(lines).toString()
    expect(text).toContain('person3@mail.test')
    for (const id of [2, bound]) {
      expect(text).not.toContain(`person${id}@mail.test`)
      // The order of customer 2 has the same number, and is gone with it.
      expect(keys.filter((one) => one === `[${id}]`).length).toBe(0)
    }
    expect(manifest.entities.map(({ change }) => change.schema)).toEqual([undefined, undefined])
  })

  it('is imported elsewhere as whole as it is, and not over the snapshot that has it', async () => {
    expect(await other.bundles.import(file)).toMatchObject({ outcome: 'imported', records: 2037 })
    expect((await other.discovery.verify(snapshot)).damages).toEqual([])
    const reader = await other.discovery.open(snapshot)
    expect(await reader.findOne('Customer', 2)).toBeNull()
    expect(await reader.findOne('Customer', 3)).toMatchObject({ id: 3 })
    expect((await failure(holdfast.bundles.import(file), 'E_STORAGE_EXISTS')).hint).toContain('erased')
  })
})
