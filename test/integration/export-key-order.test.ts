import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createPostgresStore } from '../../adapters/sql/postgres/store.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { EntityStore } from '../../src/contracts/index.ts'
import { type BackupRig, backupRig, manifestFaults, planOf } from '../support/backup-rig.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { createSqliteFile, tableMapping } from '../support/sqlite.ts'

let database: TestDatabase
let lane: ReturnType<typeof testPool>

beforeAll(async () => {
  database = await createTestDatabase()
  lane = testPool(database.url, 6)
})

afterAll(async () => {
  await lane.pool.end()
  await database.drop()
})

beforeEach(() => database.query('DROP TABLE IF EXISTS word'))

function postgresStore(): EntityStore {
  return createPostgresStore({ name: 'default', orm: 'words', mapping: mappingOf(table('word', 'id note')), connections: lane.connections })
}

/** A backup that is paused half way, with several parts of the table read. */
async function pausedBackup(store: EntityStore = postgresStore(), afterRows = 1200): Promise<{ rig: BackupRig; token: string }> {
  const slow = new FaultyStorage(memoryStorage(), ({ method, key }) => (method === 'put' && key.endsWith('.hfc') ? { kind: 'delay', ms: 15 } : undefined))
  const rig = backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes: 64 * 1024, concurrency: 3 } }), storage: slow })
  const session = await rig.start()
  while (session.current.entities[0]!.rows < afterRows) await sleep(1)
  const token = await session.pause()
  expect(session.state).toBe('paused')
  return { rig, token }
}

async function expectEveryRowOnce(rig: BackupRig, token: string, all = postgresIds): Promise<void> {
  const result = await (await rig.resume(token)).result()
  const manifest = await rig.manifest(result.snapshotId)
  expect(manifestFaults(manifest)).toEqual([])
  const lines = (await rig.lines(manifest, 'word')).trimEnd().split('\n')
  const ids = lines.map((line) => String(JSON.parse(line).id))
  expect(ids.toSorted()).toEqual((await all()).toSorted())
}

async function postgresIds(): Promise<string[]> {
  return (await database.query<{ id: string }>('SELECT id::text AS id FROM word')).map(({ id }) => id)
}

describe('keys that come in another order when a backup is resumed', () => {
  it('holds every row once after the collation of the key was changed', async () => {
    await database.query(`CREATE TABLE word (id text COLLATE "C" PRIMARY KEY, note text);
      INSERT INTO word SELECT chr(CASE WHEN i % 2 = 0 THEN 65 ELSE 97 END + i % 26) || i, repeat(md5(i::text), 12) FROM generate_series(1, 4000) i; ANALYZE word`)
    const { rig, token } = await pausedBackup()
    await database.query('ALTER TABLE word ALTER COLUMN id TYPE text COLLATE "en-US-x-icu"')
    await expectEveryRowOnce(rig, token)
  })

  it('holds every row once after the type of the key was changed', async () => {
    await database.query(`CREATE TABLE word (id int PRIMARY KEY, note text);
      INSERT INTO word SELECT i, repeat(md5(i::text), 12) FROM generate_series(1, 4000) i; ANALYZE word`)
    const { rig, token } = await pausedBackup()
    await database.query('ALTER TABLE word ALTER COLUMN id TYPE text')
    await expectEveryRowOnce(rig, token)
  })

  it('goes on after the key became one that the old bounds are no values of', async () => {
    await database.query(`CREATE TABLE word (id int PRIMARY KEY, note text);
      INSERT INTO word SELECT i, repeat(md5(i::text), 12) FROM generate_series(1, 4000) i; ANALYZE word`)
    const { rig, token } = await pausedBackup()
    await database.query(`ALTER TABLE word ALTER COLUMN id TYPE uuid USING md5(id::text)::uuid`)
    await expectEveryRowOnce(rig, token)
  })

  it('holds every row once after SQLite compares the key without regard to case', async () => {
    const file = createSqliteFile()
    try {
      const columns = (collation: string) => `(id TEXT NOT NULL COLLATE ${collation} PRIMARY KEY, note TEXT)`
      file.exec(`CREATE TABLE word ${columns('BINARY')};
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
        INSERT INTO word SELECT char(CASE WHEN i % 2 = 0 THEN 65 ELSE 97 END + i % 26) || i, hex(randomblob(200)) FROM n`)
      const { rig, token } = await pausedBackup(file.store([tableMapping('word', ['id', 'note'])], { name: 'default' }), 2600)
      file.exec(`CREATE TABLE renewed ${columns('NOCASE')}; INSERT INTO renewed SELECT * FROM word; DROP TABLE word; ALTER TABLE renewed RENAME TO word`)
      await expectEveryRowOnce(rig, token, async () => file.rows('SELECT id FROM word').map(([id]) => String(id)))
    } finally {
      file.close()
    }
  })
})
