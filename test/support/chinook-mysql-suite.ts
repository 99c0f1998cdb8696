import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EntityStore } from '../../src/contracts/index.ts'
import { CHINOOK_MISSING, loadChinookMysql } from '../fixtures/chinook/chinook-data.ts'
import { backupRig, manifestFaults, planOf } from './backup-rig.ts'
import { createMysqlDatabase, mysqlUrl } from './mysql.ts'
import { notRun } from './not-run.ts'
import type { TestDatabase } from './postgres.ts'

interface OpenedOrm {
  readonly store: EntityStore
  close(): Promise<unknown>
}

/** The same shop on MariaDB: mapped, backed up whole, and then only where it changed. */
export function describeMysqlChinook(name: string, open: (location: string) => Promise<OpenedOrm>): void {
  const title = `Chinook, ${name} on MariaDB`
  if (CHINOOK_MISSING !== null) {
    notRun(title, CHINOOK_MISSING, { required: false })
    describe(title, () => {
      it('is listed as not run', () => expect(CHINOOK_MISSING).toBeTruthy())
    })
    return
  }
  describe.skipIf(mysqlUrl() === null)(title, () => suite(open))
}

function suite(open: (location: string) => Promise<OpenedOrm>): void {
  let database: TestDatabase
  let opened: OpenedOrm

  beforeAll(async () => {
    database = await createMysqlDatabase()
    await loadChinookMysql(database, { rows: true })
    opened = await open(database.url)
  })
  afterAll(async () => {
    await opened?.close()
    await database.drop()
  })

  it('maps all eleven tables, each with every column', async () => {
    const columns = await database.query<{ t: string; c: string }>(
      `SELECT TABLE_NAME AS t, COLUMN_NAME AS c FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()`,
    )
    const mapped = opened.store.mapping.entities.flatMap(({ table, fields }) => fields.map(({ column }) => `${table}.${column}`))
    expect(mapped.toSorted()).toEqual(columns.map(({ t, c }) => `${t}.${c}`).toSorted())
    expect(opened.store.mapping.entities).toHaveLength(11)
    expect(opened.store.dialect).toBe('mysql')
  })

  it('backs up the whole shop, and then only what changed', async () => {
    const rig = backupRig({ stores: [opened.store], plan: planOf([opened.store], { policy: { chunkBytes: 64 * 1024 } }) })
    const take = async (kind: 'full' | 'incremental') => {
      const { snapshotId } = await (await rig.start(undefined, { kind })).result()
      const manifest = await rig.manifest(snapshotId)
      expect(manifestFaults(manifest)).toEqual([])
      return manifest
    }
    const full = await take('full')
    expect(full.entities.reduce((sum, { rows }) => sum + rows, 0)).toBe(15_607)
    expect(full.entities.every(({ ranges }) => ranges.every(({ digest }) => digest?.startsWith('3:')))).toBe(true)
    const same = await take('incremental')
    for (const { change, ranges } of same.entities) expect(change).toMatchObject({ reused: ranges.length, read: 0 })
    await database.query(`UPDATE Track SET UnitPrice = 2.5 WHERE TrackId = 7; DELETE FROM PlaylistTrack WHERE PlaylistId = 18`)
    const next = await take('incremental')
    expect(
      next.entities
        .filter(({ change }) => change.read > 0)
        .map(({ descriptor }) => descriptor.table)
        .toSorted(),
    ).toEqual(['PlaylistTrack', 'Track'])
    expect(next.entities.find(({ descriptor }) => descriptor.table === 'Track')!.change.reused).toBeGreaterThan(2)
    const track = (await rig.lines(next, 'Track')).split('\n')[6]!
    expect(JSON.parse(track)).toMatchObject({ trackId: 7, unitPrice: '2.50' })
  })
}
