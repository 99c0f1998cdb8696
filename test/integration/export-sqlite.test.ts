import { afterAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import type { EntityStore, StorageAdapter } from '../../src/contracts/index.ts'
import { backupRig, type BackupRig, codeOf, manifestFaults, planOf } from '../support/backup-rig.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { createSqliteFile, type SqliteFile, tableMapping } from '../support/sqlite.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder()
const databases: SqliteFile[] = []
afterAll(() => {
  for (const database of databases) database.close()
  folder.remove()
})

const ROWS = 3000
let folders = 0

/** A shop in a file, and the application's own connection to it. */
function openShop() {
  const database = createSqliteFile()
  databases.push(database)
  database.exec(`
    CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL, blob BLOB);
    CREATE TABLE stock (shelf TEXT, no INTEGER, amount INTEGER NOT NULL, PRIMARY KEY (shelf, no)) WITHOUT ROWID;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
    INSERT INTO item SELECT i * 3, 'item ' || i || ' "quoted" ' || hex(randomblob(60)), i / 7.0, CASE WHEN i % 3 = 0 THEN NULL ELSE randomblob(12) END FROM n;
    INSERT INTO stock SELECT CASE id % 2 WHEN 0 THEN 'Ä' ELSE 'b' END, id, 10 FROM item`)
  const mappings = [tableMapping('item', ['id', 'name', 'price', 'blob']), tableMapping('stock', ['shelf', 'no', 'amount'], { keyFields: 2 })]
  const store = database.store(mappings, { name: 'default' })
  return { database, store }
}

function newFolder(): StorageAdapter {
  return fsStorage({ root: `${folder.path}/${++folders}` })
}

/** Slow enough to be caught in the middle. */
function slowFolder(): StorageAdapter {
  return new FaultyStorage(newFolder(), ({ method, key }) => (method === 'put' && key.endsWith('.hfc') ? { kind: 'delay', ms: 5 } : undefined))
}

function rigOver(store: EntityStore, storage = newFolder()): BackupRig {
  return backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes: 16 * 1024, concurrency: 2 } }), storage })
}

async function records(rig: BackupRig, snapshotId: string, entity: string): Promise<Record<string, unknown>[]> {
  const manifest = await rig.manifest(snapshotId)
  expect(manifestFaults(manifest)).toEqual([])
  return (await rig.lines(manifest, entity))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

function truth(database: SqliteFile) {
  const items = database.app.prepare('SELECT id, name, price, blob FROM item ORDER BY id').all([]) as { blob: Buffer | null }[]
  return {
    item: items.map((row) => ({ ...row, blob: row.blob && Buffer.from(row.blob).toString('base64') })),
    stock: database.app.prepare('SELECT shelf, no, amount FROM stock ORDER BY shelf, no').all([]),
  }
}

async function held(rig: BackupRig, snapshotId: string) {
  return { item: await records(rig, snapshotId, 'item'), stock: await records(rig, snapshotId, 'stock') }
}

describe('a backup of SQLite into a folder', () => {
  it('holds every row of its view, in spite of writes while it runs', async () => {
    const { database, store } = openShop()
    const before = truth(database)
    const rig = rigOver(store)
    const session = await rig.start()
    database.exec('UPDATE stock SET amount = amount + 1; DELETE FROM item WHERE id % 2 = 0')
    const result = await session.result()
    expect(result.consistency).toBe('snapshot')
    expect(await held(rig, result.snapshotId)).toEqual(before)
    expect(truth(database)).not.toEqual(before)
  })

  it('goes on after a pause with what moved meanwhile, reading the rest again only to compare it', async () => {
    const { database, store } = openShop()
    const rig = rigOver(store, slowFolder())
    let session = await rig.start()
    const done = () => session.current.records
    while (done() < ROWS) await new Promise((resolve) => setTimeout(resolve, 1))
    const token = await session.pause()
    expect(await codeOf(session.result())).toBe('E_SESSION_PAUSED')
    database.exec(
      `UPDATE item SET name = 'moved' WHERE id = 9; DELETE FROM item WHERE id = 300; INSERT INTO item VALUES (4, 'between', NULL, NULL), (99999, 'last', 1.5, NULL)`,
    )
    session = await rig.resume(token)
    const result = await session.result()
    expect(await held(rig, result.snapshotId)).toEqual(truth(database))
    const item = result.entities.find(({ entity }) => entity === 'item')!
    const stock = result.entities.find(({ entity }) => entity === 'stock')!
    expect(item.reusedChunks + stock.reusedChunks).toBeGreaterThan(0)
    expect(item.reusedChunks + stock.reusedChunks).toBeLessThan(item.chunks + stock.chunks)
  })

  it('reads a table again whose schema changed while it was paused', async () => {
    const { database, store } = openShop()
    const rig = rigOver(store, slowFolder())
    const session = await rig.start()
    while (session.current.records < ROWS) await new Promise((resolve) => setTimeout(resolve, 1))
    const token = await session.pause()
    database.exec(
      'CREATE TABLE other AS SELECT * FROM item; DROP TABLE item; CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price INTEGER, blob BLOB); INSERT INTO item SELECT * FROM other',
    )
    const result = await (await rig.resume(token)).result()
    expect(result.entities.find(({ entity }) => entity === 'item')).toMatchObject({ reusedChunks: 0, rows: ROWS })
    expect((await rig.manifest(result.snapshotId)).entities[0]!.descriptor.fields.find(({ path }) => path === 'price')).toMatchObject({ dbType: 'INTEGER' })
  })
})
