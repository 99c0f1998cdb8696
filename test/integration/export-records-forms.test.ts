import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { csvField } from '../../src/extract/csv.ts'
import { csvNames } from '../../src/extract/csv-names.ts'
import { secretKey } from '../../src/crypto/encryption.ts'
import { BackupEntity, createHoldfast, definePlan, type Holdfast, type HoldfastOptions } from '../../src/index.ts'
import { ordersDescriptor } from '../support/archive-rig.ts'
import { type DeclaredEntity, type DeclaredStore, openDeclared } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { failure } from '../support/failure.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SHOP: readonly DeclaredEntity[] = [
  { name: 'Customer', table: 'customer', properties: { email: { type: 'varchar' }, phone: { type: 'varchar', nullable: true } } },
  { name: 'Order', table: 'orders', properties: { customer: { of: 'Customer', column: 'customer_id' }, note: { nullable: true } } },
]

describe('records as text', () => {
  const folder = temporaryFolder()
  const at = (name: string) => join(folder.path, name)
  let database: LiveDatabase
  let shop: DeclaredStore
  let holdfast: Holdfast
  let snapshot: string
  const opened: Holdfast[] = []

  const open = async (more: Partial<HoldfastOptions> = {}) => {
    const plan = definePlan({
      id: 'shop',
      description: 'All',
      entities: [BackupEntity.for('Customer', { sensitive: ['email', 'phone'] }), 'Order'],
    })
    const made = await createHoldfast({ stores: [shop.store], storage: memoryStorage(), plans: [plan], ...more })
    opened.push(made)
    return made
  }

  beforeAll(async () => {
    database = await createLiveDatabase('sqlite')
    await database.carelessly(
      `CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(200) NOT NULL, phone VARCHAR(20))`,
      `CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), note VARCHAR(400))`,
      `INSERT INTO customer (id, email, phone) VALUES (1, 'one@mail.test', '+43 1'), (2, 'two@mail.test', NULL), (3, 'three@mail.test', NULL)`,
      `INSERT INTO orders (id, customer_id, note) VALUES (1, 1, NULL), (2, 1, ''), (3, 2, 'a "b", c'), (4, 2, '=1+1'), (5, 1, 'two' || char(13) || char(10) || 'lines'), (6, 3, 'gone')`,
    )
    shop = await openDeclared('TypeORM', 'sqlite', database.location, SHOP)
    holdfast = await open()
    ;({ snapshotId: snapshot } = await holdfast.backups.run('shop'))
    await holdfast.erasures.erase('Customer', 3)
  })
  afterAll(async () => {
    for (const one of opened) await one.close()
    await shop.close()
    await database.drop()
    folder.remove()
  })

  it('CSV tells NULL from an empty text, and quotes as RFC 4180 says', async () => {
    const report = await holdfast.bundles.exportRecords(snapshot, { format: 'csv', to: at('orders.csv'), entities: ['Order'] })
    expect(readFileSync(at('orders.csv'), 'utf8')).toBe('id,note,customer.id\r\n1,,1\r\n2,"",1\r\n3,"a ""b"", c",2\r\n4,=1+1,2\r\n5,"two\r\nlines",1\r\n')
    expect(report).toMatchObject({ records: 5, hidden: [], erased: [{ entity: 'Order', records: 1 }], files: [{ entity: 'Order', records: 5 }] })
    for (const [token, field] of [
      ['true', 'true'],
      ['[{"a": 1}]', '"[{""a"": 1}]"'],
      ['"x\\ny"', '"x\ny"'],
      ['{"blob":"AQ=="}', '"{""blob"":""AQ==""}"'],
    ])
      expect(csvField(token!)).toBe(field)
  })

  it('CSV of several entities goes into a new folder, sensitive values hidden', async () => {
    const report = await holdfast.bundles.exportRecords(snapshot, { format: 'csv', to: at('all') })
    expect(readdirSync(at('all')).toSorted()).toEqual(['Customer.csv', 'Order.csv'])
    expect(readFileSync(at('all/Customer.csv'), 'utf8')).toBe('id,email,phone\r\n1,•••,•••\r\n2,•••,•••\r\n')
    expect(report.hidden).toEqual([{ store: 'default', entity: 'Customer', fields: ['email', 'phone'] }])
    expect(report.files.map(({ path, entity }) => [path, entity])).toEqual([
      [at('all/Customer.csv'), 'Customer'],
      [at('all/Order.csv'), 'Order'],
    ])
    await failure(holdfast.bundles.exportRecords(snapshot, { format: 'csv', to: at('all') }), 'E_STORAGE_EXISTS')
    await failure(holdfast.bundles.exportRecords(snapshot, { format: 'csv', to: new PassThrough() }), 'E_CONFIG')
    const abort = new AbortController()
    await failure(holdfast.bundles.exportRecords(snapshot, { format: 'csv', to: at('no'), signal: abort.signal, onProgress: () => abort.abort() }), 'E_ABORTED')
    expect(existsSync(at('no'))).toBe(false)
    await holdfast.bundles.exportRecords(snapshot, { format: 'csv', to: at('shown.csv'), entities: ['Customer'], revealSensitive: true })
    expect(readFileSync(at('shown.csv'), 'utf8')).toBe('id,email,phone\r\n1,one@mail.test,+43 1\r\n2,two@mail.test,\r\n')
  })

  it('names of files lead nowhere, and are told apart by every file system', () => {
    const named = (...names: [store: string, name: string][]) => csvNames(names.map(([store, name]) => ({ ...ordersDescriptor, store, name })))
    expect(named(['a', '../x'], ['a', 'Order'], ['a', 'order'], ['a', 'CON'], ['a', 'Grüße'])).toEqual([
      '%2e%2e%2fx.csv',
      'Order.csv',
      'order-2.csv',
      '_CON.csv',
      'Gr%c3%bc%c3%9fe.csv',
    ])
    expect(named(['a', 'Order'], ['b', 'Order'])).toEqual(['a.Order.csv', 'b.Order.csv'])
  })

  it('SQL leaves sensitive columns out, and ends where it cannot', async () => {
    const refused = await failure(holdfast.bundles.exportRecords(snapshot, { format: 'sql', to: at('no.sql') }), 'E_CONFIG')
    expect(refused.message).toContain('email')
    expect(existsSync(at('no.sql'))).toBe(false)
    const through = new PassThrough()
    const [script] = await Promise.all([text(through), holdfast.bundles.exportRecords(snapshot, { format: 'sql', to: through, entities: ['Order'] })])
    expect(script).toContain(`INSERT INTO "orders" ("id", "note", "customer_id") VALUES\n(1, NULL, 1),\n(2, '', 1),\n(3, 'a "b", c', 2)`)
    expect(script).not.toContain('gone')
  })

  it('NDJSON with hidden values makes no snapshot, and one with all of them does', async () => {
    await holdfast.bundles.exportRecords(snapshot, { format: 'ndjson', to: at('hidden.ndjson') })
    expect(readFileSync(at('hidden.ndjson'), 'utf8')).toContain('{"store":"default","entity":"Customer","record":{"id":1,"email":"•••","phone":"•••"}}\n')
    const other = await open()
    expect((await failure(other.bundles.importRecords(at('hidden.ndjson')), 'E_CONFIG')).hint).toContain('--reveal-sensitive')
    await holdfast.bundles.exportRecords(snapshot, { format: 'ndjson', to: at('some.ndjson'), entities: ['Order'] })
    expect(await other.bundles.importRecords(at('some.ndjson'))).toMatchObject({ outcome: 'imported', entities: 1, records: 5 })
    expect((await other.discovery.verify(snapshot)).damages).toEqual([])
    await failure(other.bundles.importRecords(at('nothing.ndjson')), 'E_ARCHIVE_MISSING')
  })

  it('NDJSON that was changed in any way is refused, and nothing is seen of it', async () => {
    await holdfast.bundles.exportRecords(snapshot, { format: 'ndjson', to: at('all.ndjson'), revealSensitive: true })
    const sound = readFileSync(at('all.ndjson'), 'utf8')
    const lines = sound.split('\n').slice(0, -1)
    const other = await open()
    const order = lines.findIndex((line) => line.includes('"Order","record"'))
    const changes: readonly (readonly [string, readonly string[]])[] = [
      ['a value', lines.map((line) => line.replace('=1+1', '=1+2'))],
      ['two lines that changed places', [...lines.slice(0, order), lines[order + 1]!, lines[order]!, ...lines.slice(order + 2)]],
      ['a line twice', [...lines.slice(0, order + 1), ...lines.slice(order)]],
      ['a line less', lines.toSpliced(order, 1)],
      ['no end', lines.slice(0, -1)],
      ['more behind the end', [...lines, lines[order]!]],
      ['entities in another order', [lines[0]!, ...lines.slice(order, -1), ...lines.slice(1, order), lines.at(-1)!]],
      ['a line of nobody', lines.toSpliced(order, 0, '{"store":"default","entity":"Nobody","record":{"id":1}}')],
      ['no JSON', lines.toSpliced(order, 1, `${lines[order]!.slice(0, -3)}}`)],
      ['a field less', lines.map((line) => line.replace(',"note":"=1+1"', ''))],
      ['no head', lines.slice(1)],
      ['another head', lines.with(0, lines[0]!.replace('"description":"All"', '"description":"Most"'))],
      ['nothing', []],
    ]
    for (const [what, changed] of changes) {
      writeFileSync(at('changed.ndjson'), changed.map((line) => `${line}\n`).join(''))
      const outcome = await other.bundles.importRecords(at('changed.ndjson')).then(
        () => 'accepted',
        (error: { code?: string }) => error.code,
      )
      expect(['E_ARCHIVE_CORRUPT', 'E_RECORD'], what).toContain(outcome)
    }
    for (let length = 0; length < sound.length - 1; length += 97) {
      writeFileSync(at('changed.ndjson'), sound.slice(0, length))
      await expect(other.bundles.importRecords(at('changed.ndjson')), `${length} characters`).rejects.toThrow(/E_ARCHIVE_CORRUPT|E_RECORD/)
    }
    expect(await other.discovery.snapshots()).toEqual([])
    writeFileSync(at('changed.ndjson'), sound)
    expect((await other.bundles.importRecords(at('changed.ndjson'))).outcome).toBe('imported')
  })

  it('is written in clear from an encrypted bucket only when that is said, and without options that say nothing', async () => {
    const sealed = await open({ encryption: { providers: [secretKey(Buffer.alloc(32, 4))] } })
    const { snapshotId } = await sealed.backups.run('shop')
    expect((await failure(sealed.bundles.exportRecords(snapshotId, { format: 'csv', to: at('x') }), 'E_CONFIG')).hint).toContain('--plain')
    await sealed.bundles.exportRecords(snapshotId, { format: 'ndjson', to: at('clear.ndjson'), plain: true })
    for (const wrong of [
      { format: 'xml', to: at('x') },
      { format: 'csv', to: '' },
      { format: 'csv', to: at('x'), reveal: true },
      { format: 'csv', to: at('x'), revealSensitive: 'yes' },
    ])
      await failure(holdfast.bundles.exportRecords(snapshot, wrong as never), 'E_CONFIG')
    await failure(holdfast.bundles.exportRecords(snapshot, { format: 'csv', to: at('x'), entities: ['Nobody'] }), 'E_ENTITY_UNKNOWN')
    expect(existsSync(at('x'))).toBe(false)
  })
})
