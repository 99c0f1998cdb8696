import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import libsql from 'libsql'
import mysql from 'mysql2/promise'
import pg from 'pg'
import * as typeorm from 'typeorm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan } from '../../src/index.ts'
import { zooRows } from '../fixtures/zoo/rows.ts'
import { type BackedUpTwins, backedUpTwins } from '../support/end-to-end/backed-up-twins.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { typeormUnderTest } from '../support/end-to-end/typeorm-under-test.ts'
import { seed } from '../support/end-to-end/zoo-end-to-end.ts'
import { failure } from '../support/failure.ts'
import { mysqlUrl } from '../support/mysql.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const orm = typeormUnderTest('TypeORM 1', typeorm)

/** Runs a script as the database's own client would, references checked. */
async function load({ dialect, location }: LiveDatabase, script: string): Promise<void> {
  if (dialect === 'sqlite') {
    const file = new libsql(location)
    file.exec(script)
    file.close()
  } else if (dialect === 'mysql') {
    const connection = await mysql.createConnection({ uri: location, multipleStatements: true })
    await connection.query(script).finally(() => connection.end())
  } else {
    const client = new pg.Client({ connectionString: location })
    await client.connect()
    await client.query(script).finally(() => client.end())
  }
}

describe.each((['postgres', 'mysql', 'sqlite'] as const).filter((dialect) => dialect !== 'mysql' || mysqlUrl() !== null))(
  'the zoo of %s as text',
  (dialect) => {
    const folder = temporaryFolder()
    const at = (name: string) => join(folder.path, name)
    let twins: BackedUpTwins

    beforeAll(async () => {
      twins = await backedUpTwins({
        async create(rows) {
          const database = await createLiveDatabase(dialect)
          if (dialect === 'mysql') await database.carelessly('ALTER DATABASE COLLATE utf8mb4_bin')
          const { close } = await orm.openZoo({ dialect, location: database.location, create: true }, 'maker')
          await close()
          if (rows) await seed(database, zooRows(dialect, orm.zooRows))
          return database
        },
        open: (database, storeName) => orm.openZoo({ dialect, location: database.location, create: false }, storeName),
      })
    })
    afterAll(async () => {
      await twins.close()
      folder.remove()
    })

    it('is a script that fills an empty database with the same values, references checked', async () => {
      const report = await twins.holdfast.bundles.exportRecords(twins.snapshot, { format: 'sql', to: at('zoo.sql'), revealSensitive: true })
      const script = readFileSync(at('zoo.sql'), 'utf8')
      expect(report.files).toEqual([
        { path: at('zoo.sql'), entity: null, records: report.records, bytes: Buffer.byteLength(script), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ])
      await load(twins.twin, script)
      expect(await twins.twin.image()).toEqual(await twins.source.image())
    })

    it('goes through NDJSON into another repository, and is the same snapshot', async () => {
      const { holdfast, snapshot } = twins
      const report = await holdfast.bundles.exportRecords(snapshot, { format: 'ndjson', to: at('zoo.ndjson'), revealSensitive: true })
      const { store, close } = await orm.openZoo({ dialect, location: twins.source.location, create: false }, 'source')
      const names = store.mapping.entities.map(({ name }) => name)
      const other = await createHoldfast({
        stores: [store],
        storage: memoryStorage(),
        plans: [definePlan({ id: 'everything', description: 'All', entities: names })],
      })
      try {
        expect(await other.bundles.importRecords(at('zoo.ndjson'))).toEqual({
          snapshotId: snapshot,
          planId: 'everything',
          bucket: 'default',
          outcome: 'imported',
          entities: names.length,
          records: report.records,
        })
        expect((await other.discovery.verify(snapshot)).damages).toEqual([])
        // Line for line: what comes out again is what went in, but for where it comes from.
        await other.bundles.exportRecords(snapshot, { format: 'ndjson', to: at('again.ndjson'), revealSensitive: true })
        const [before, after] = ['zoo.ndjson', 'again.ndjson'].map((name) => readFileSync(at(name), 'utf8').split('\n').slice(1, -1))
        expect(after!.slice(0, -1)).toEqual(before!.slice(0, -1))
        const { head: _head, ...end } = (JSON.parse(before!.at(-1)!) as { end: { head: string } }).end
        expect(JSON.parse(after!.at(-1)!)).toEqual({ end: { ...end, head: expect.stringMatching(/^[0-9a-f]{64}$/) } })
        await failure(other.bundles.importRecords(at('zoo.ndjson')), 'E_STORAGE_EXISTS')
      } finally {
        await other.close()
        await close()
      }
    })
  },
)
