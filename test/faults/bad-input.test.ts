import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { createHoldfast, definePlan, type Holdfast, type HoldfastOptions, type PlanDeclaration } from '../../src/index.ts'
import { canonicalJson } from '../../src/kernel/canonical-json.ts'
import { type ErrorCode, HoldfastError } from '../../src/kernel/errors.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { createHash } from 'node:crypto'
import { openSqliteShop, SHOP, SHOP_SCHEMAS, type SqliteShop } from '../fixtures/sqlite-shop.ts'
import { failure } from '../support/failure.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/*
 * Every kind of bad input that an application can come to us with, by the public API alone, on a real database and real files. Each gives its typed error; live
 * rows, schema and snapshots stay as they were. Beside these: rows hidden by row-level security (postgres-target-faults, postgres-view), a process killed
 * (export-kill, restore-kill), every single byte of every kind of object (archive-damage), objects made to deceive (archive-fuzz).
 */

let folder: ReturnType<typeof temporaryFolder>
let shop: SqliteShop
let backups: string
const opened: Holdfast[] = []

const shopPlan = (more: Partial<PlanDeclaration> = {}) => definePlan({ id: 'shop', description: 'Orders', entities: [...SHOP_SCHEMAS], ...more })

async function open(more: Partial<HoldfastOptions> = {}): Promise<Holdfast> {
  const holdfast = await createHoldfast({ stores: [typeormStore(shop.dataSource)], storage: fsStorage({ root: backups }), plans: [shopPlan()], ...more })
  opened.push(holdfast)
  return holdfast
}

beforeEach(async () => {
  folder = temporaryFolder()
  backups = join(folder.path, 'backups')
  shop = await openSqliteShop(folder.path)
})
afterEach(async () => {
  for (const holdfast of opened.splice(0)) await holdfast.close()
  await shop.dataSource.destroy()
  folder.remove()
})

const sql = (text: string): Promise<unknown> => shop.dataSource.query(text)
const facts = async () => ({
  rows: await shop.digest().catch(() => 'a table is gone'),
  schema: await sql('SELECT name, sql FROM sqlite_schema ORDER BY name'),
  files: readdirSync(folder.path).toSorted((a, b) => (a < b ? -1 : 1)),
})

/** The work ends in this error, and the database is as it was. */
async function refused(work: () => Promise<unknown>, code: ErrorCode): Promise<HoldfastError> {
  const before = await facts()
  const error = await failure((async () => work())(), code)
  expect(error.hint).not.toBe('')
  expect(await facts()).toEqual(before)
  return error
}

describe('names that nobody knows', () => {
  it('case 37: a plan, an entity, a store, a snapshot, also by names that lead elsewhere', async () => {
    const holdfast = await open()
    const { snapshotId: snapshot } = await holdfast.backups.run('shop')
    await sql('DELETE FROM order_line')
    expect((await refused(() => holdfast.backups.run('shpo'), 'E_PLAN_UNKNOWN')).hint).toContain('"shop"')
    await refused(() => holdfast.discovery.snapshots({ plan: 'shpo' }), 'E_PLAN_UNKNOWN')
    expect((await refused(() => holdfast.restores.restore({ snapshot, entities: ['Ordr'] }), 'E_ENTITY_UNKNOWN')).message).toContain('"Order"')
    await refused(() => holdfast.restores.restore({ snapshot, into: { default: 'twin' } }), 'E_STORE_UNKNOWN')
    await refused(() => holdfast.restores.restore({ snapshot, into: { defualt: 'default' } }), 'E_STORE_UNKNOWN')
    for (const id of [uuidv7(), 'nonsense', '../../etc/passwd', '']) {
      await refused(() => holdfast.restores.restore({ snapshot: id }), 'E_SNAPSHOT_UNKNOWN')
      await refused(() => holdfast.discovery.delete(id, { reason: 'x' }), 'E_SNAPSHOT_UNKNOWN')
    }
    await holdfast.discovery.delete(snapshot, { reason: 'no longer wanted' })
    await refused(() => holdfast.restores.restore({ snapshot }), 'E_SNAPSHOT_UNKNOWN')
  })

  it('a storage: in a plan, and of a snapshot that was taken with more of them', async () => {
    await refused(() => open({ plans: [shopPlan({ bucket: 'cold' })] }), 'E_PLAN_INVALID')
    const cold = memoryStorage()
    const main = fsStorage({ root: backups })
    const plans = [shopPlan({ bucket: 'main', entities: [{ entity: SHOP_SCHEMAS[0], bucket: 'cold' }, SHOP_SCHEMAS[1], SHOP_SCHEMAS[2]] })]
    const { snapshotId } = await (await open({ storage: { main, cold }, plans })).backups.run('shop')
    await sql('DELETE FROM order_line')
    const alone = await open({ storage: { main }, plans: [shopPlan({ bucket: 'main' })] })
    await refused(() => alone.restores.restore({ snapshot: snapshotId }), 'E_STORAGE_UNKNOWN')
    expect((await alone.restores.restore({ snapshot: snapshotId, entities: ['OrderLine'] })).totals.create).toBe(SHOP.lines)
  })
})

describe('plans that cannot be', () => {
  it.each([
    ['names no entity', () => [shopPlan({ entities: [] })], 'names no entity'],
    ['names an entity without key', () => [shopPlan({ entities: ['Keyless'] })], 'it has no key'],
    ['has the id of another', () => [shopPlan(), shopPlan()], 'registers it twice'],
  ] as const)('one that %s', async (_what, plans, said) => {
    const store = typeormStore(shop.dataSource)
    const keyless = { ...store.mapping.entities[0]!, name: 'Keyless', key: [], aliases: [] }
    const stores = [{ ...store, mapping: { ...store.mapping, entities: [...store.mapping.entities, keyless] } }]
    expect((await refused(() => open({ stores, plans: plans() }), 'E_PLAN_INVALID')).message).toContain(said)
    expect(readdirSync(folder.path)).not.toContain('backups')
  })
})

describe('tokens', () => {
  it('case 16: forged, of another repository, of a changed plan, of a session that runs, and of one that is complete', async () => {
    const holdfast = await open()
    const paused = await holdfast.backups.start('shop', { kind: 'full' })
    const token = await paused.pause()
    const [body, tag] = token.split('.') as [string, string]
    const forged = Buffer.from(Buffer.from(body, 'base64url').toString().replace(paused.id, uuidv7())).toString('base64url')
    for (const wrong of ['', 'nonsense', `${forged}.${tag}`, `${body}.${Buffer.alloc(32).toString('base64url')}`, `${token}.${tag}`])
      await refused(() => holdfast.backups.resume(wrong), 'E_TOKEN_INVALID')
    await refused(() => holdfast.backups.resume(undefined as never), 'E_TOKEN_INVALID')

    const elsewhere = await open({ storage: memoryStorage() })
    await refused(() => elsewhere.backups.resume(token), 'E_ARCHIVE_MISSING')
    await elsewhere.backups.run('shop')
    await refused(() => elsewhere.backups.resume(token), 'E_TOKEN_INVALID')
    const changed = await open({ plans: [shopPlan({ entities: [SHOP_SCHEMAS[0]] })] })
    await refused(() => changed.backups.resume(token), 'E_PLAN_CHANGED')
    expect(await holdfast.discovery.snapshots()).toEqual([])

    const running = await holdfast.backups.resume(token)
    await refused(() => holdfast.backups.resume(token), 'E_SESSION_FENCED')
    const result = await running.result()
    expect(await (await holdfast.backups.resume(token)).result()).toEqual(result)
    expect(await holdfast.discovery.snapshots()).toMatchObject([{ id: paused.id }])
  })
})

describe('a damaged archive', () => {
  const filesOf = (name: RegExp) =>
    readdirSync(backups, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && name.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))

  const flip = (file: string, at: (bytes: Buffer) => number) => {
    const bytes = readFileSync(file)
    bytes[at(bytes)]! ^= 0x10
    writeFileSync(file, bytes)
  }
  const CORRUPT = 'E_ARCHIVE_CORRUPT' as const
  const damages: readonly (readonly [string, (file: string, other: string) => void, ErrorCode])[] = [
    ['cut off', (file) => truncateSync(file, readFileSync(file).length - 1), CORRUPT],
    ['empty', (file) => truncateSync(file, 0), CORRUPT],
    ['altered in its first byte', (file) => flip(file, () => 0), CORRUPT],
    ['altered in the middle', (file) => flip(file, (bytes) => bytes.length >> 1), CORRUPT],
    ['altered in its last byte', (file) => flip(file, (bytes) => bytes.length - 1), CORRUPT],
    ['swapped for another', (file, other) => copyFileSync(other, file), CORRUPT],
    ['gone', (file) => rmSync(file), 'E_ARCHIVE_MISSING'],
  ]

  it.each(['manifest', 'chunk', 'key index'].flatMap((kind) => damages.map(([damage, wreak, code]) => [kind, damage, wreak, code] as const)))(
    '%s %s: refused before the first row is written',
    async (kind, damage, wreak, code) => {
      const holdfast = await open()
      const { snapshotId: other } = await holdfast.backups.run('shop')
      const { snapshotId: snapshot } = await holdfast.backups.run('shop', { metadata: { second: 'yes' } })
      const [file, another] =
        kind === 'manifest'
          ? [other, snapshot].map((id) => join(backups, 's/-/snapshots', id, 'manifest')).reverse()
          : filesOf(kind === 'chunk' ? /\.hfc$/ : /\.hfx$/)
      wreak(file!, another!)
      await sql('DELETE FROM order_line')
      await sql(`UPDATE orders SET status = 'lost'`)
      const gone = kind === 'manifest' && damage === 'gone'
      await refused(() => holdfast.restores.restore({ snapshot, policy: 'overwrite' }), gone ? 'E_SNAPSHOT_UNKNOWN' : code)
      await refused(() => holdfast.restores.restore({ snapshot, policy: 'overwrite', dryRun: true }), gone ? 'E_SNAPSHOT_UNKNOWN' : code)
    },
  )

  it('case 40: made by a newer version: refused, and not written to', async () => {
    const holdfast = await open()
    const { snapshotId } = await holdfast.backups.run('shop')
    const path = join(backups, 'repository.json')
    const { sha256: _, ...file } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    const newer = { ...file, minReader: 2, somethingNew: true }
    writeFileSync(path, JSON.stringify({ ...newer, sha256: createHash('sha256').update(canonicalJson(newer)).digest('hex') }))
    const later = await open()
    const held = () => filesOf(/./).map((name) => [name, readFileSync(name).toString('base64')])
    const before = held()
    await refused(() => later.restores.restore({ snapshot: snapshotId }), 'E_ARCHIVE_FORMAT')
    await refused(() => later.backups.run('shop'), 'E_ARCHIVE_FORMAT')
    await refused(() => later.discovery.prune({ graceMs: 0 }), 'E_ARCHIVE_FORMAT')
    expect(held()).toEqual(before)
  })
})

describe('a storage without space', () => {
  it('case 03: fails the backup at any write, shows nothing, and the token goes on when there is space', async () => {
    for (let full = 3; ; full++) {
      const base: StorageAdapter = memoryStorage()
      let puts = 0
      const storage = new FaultyStorage(base, ({ method }) =>
        method === 'put' && ++puts >= full ? { kind: 'error', when: 'before', error: new HoldfastError('E_STORAGE_FULL', 'no space left') } : undefined,
      )
      const holdfast = await open({ storage })
      const session = await holdfast.backups.start('shop').catch(() => null)
      const outcome = await session?.result().then(
        () => 'done',
        (error: HoldfastError) => error.code,
      )
      if (outcome === 'done') break
      if (session) expect(outcome).toBe('E_STORAGE_FULL')
      expect(await holdfast.discovery.snapshots()).toEqual([])
      storage.script = () => undefined
      if (session)
        expect((await (await holdfast.backups.resume(session.token, { takeover: true })).result()).totals.rows).toBe(SHOP.customers + SHOP.orders + SHOP.lines)
    }
  })
})

describe('a database that is no longer the one of the snapshot', () => {
  it.each([
    ['lacks a column', ['ALTER TABLE orders DROP COLUMN cents'], 'E_SCHEMA_DRIFT', 'cents'],
    ['lacks a table', ['DROP TABLE order_line'], 'E_SCHEMA_DRIFT', 'order_line'],
    ['has a column of another type', ['ALTER TABLE orders DROP COLUMN cents', 'ALTER TABLE orders ADD COLUMN cents TEXT'], 'E_SCHEMA_DRIFT', 'cents'],
  ] as const)('it %s', async (_what, changes, code, named) => {
    const holdfast = await open()
    const { snapshotId: snapshot } = await holdfast.backups.run('shop')
    await sql('PRAGMA foreign_keys = OFF')
    for (const change of changes) await sql(change)
    expect((await refused(() => holdfast.restores.restore({ snapshot, policy: 'overwrite' }), code)).message).toContain(named)
  })

  it.each([
    ['into a table with rows', 'DELETE FROM order_line WHERE id > 10'],
    ['into an empty table', 'DELETE FROM order_line'],
  ])('it lacks the parents of the records, %s', async (_what, remove) => {
    const holdfast = await open()
    const { snapshotId: snapshot } = await holdfast.backups.run('shop')
    await sql(remove)
    await sql('DELETE FROM order_line WHERE order_id > 1990')
    await sql('DELETE FROM orders WHERE id > 1990')
    const error = await refused(() => holdfast.restores.restore({ snapshot, entities: ['OrderLine'], policy: 'overwrite' }), 'E_RESTORE_REJECTED')
    const diagnostics = await holdfast.restores.diagnostics(error.details.restoreId as string)
    expect(diagnostics).toMatchObject({ code: 'E_RESTORE_REJECTED', total: 20, causes: { 'missing-parent': 20 } })
  })
})

describe('a restore into several databases', () => {
  it('of which the second refuses: says what is in, keeps why, and goes on where it ended', async () => {
    const second = temporaryFolder()
    const warehouse = await openSqliteShop(second.path)
    try {
      const stores = [typeormStore(shop.dataSource, { name: 'shop' }), typeormStore(warehouse.dataSource, { name: 'warehouse' })]
      const entities = ['shop', 'warehouse'].flatMap((store) => SHOP_SCHEMAS.map((entity) => ({ entity, store })))
      const holdfast = await open({ stores, plans: [shopPlan({ entities })] })
      const { snapshotId: snapshot } = await holdfast.backups.run('shop')
      const whole = await shop.digest()
      await sql('DELETE FROM order_line WHERE id <= 10')
      await warehouse.dataSource.query(`UPDATE orders SET cents = 1`)
      // Speaks up when rows are written, not before.
      await warehouse.dataSource.query('CREATE UNIQUE INDEX one_lost ON orders (status) WHERE cents > 8000')
      const before = await warehouse.digest()
      const error = await failure(holdfast.restores.restore({ snapshot, policy: 'overwrite' }), 'E_RESTORE_PARTIAL')
      expect(error.details).toMatchObject({ store: 'warehouse', committed: ['shop'] })
      expect(await shop.digest()).toBe(whole)
      expect(await warehouse.digest()).toBe(before)
      const diagnostics = (await holdfast.restores.diagnostics(error.details.restoreId as string))!
      expect(diagnostics.code).toBe('E_RESTORE_PARTIAL')
      expect(diagnostics.entries[0]).toMatchObject({ store: 'warehouse', entity: 'Order', cause: 'unique-clash' })
      await warehouse.dataSource.query('DROP INDEX one_lost')
      const again = await holdfast.restores.restore({ snapshot, policy: 'overwrite' })
      expect(again.entities.filter(({ store }) => store === 'shop').every(({ create, update }) => create + update === 0)).toBe(true)
      expect(await warehouse.digest()).toBe(whole)
    } finally {
      await warehouse.dataSource.destroy()
      second.remove()
    }
  })
})
