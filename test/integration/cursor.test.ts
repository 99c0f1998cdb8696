import { join } from 'node:path'
import libsql from 'libsql'
import { DataSource, EntitySchema } from 'typeorm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { BackupEntity, createHoldfast, definePlan, type Holdfast } from '../../src/index.ts'
import { brief, collect } from '../support/compare-rig.ts'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const item = new EntitySchema<{ id: number; note: string; version: number }>({
  name: 'Item',
  tableName: 'item',
  columns: { id: { type: 'integer', primary: true }, note: { type: 'text' }, version: { type: 'integer' } },
})
const other = new EntitySchema<{ id: number; note: string }>({
  name: 'Other',
  tableName: 'other',
  columns: { id: { type: 'integer', primary: true }, note: { type: 'text' } },
})

const DIALECTS = ['postgres', 'sqlite', ...(mysqlUrl() === null ? [] : (['mysql'] as const))] as const

describe.each(DIALECTS)('changes told by a cursor, on %s', (dialect) => {
  const folder = temporaryFolder()
  let dataSource: DataSource
  let holdfast: Holdfast
  let drop = async () => {}
  const run = (sql: string) => dataSource.query(sql)

  beforeEach(async () => {
    const entities = [item, other]
    if (dialect === 'sqlite') {
      const database = join(folder.path, `${Math.random()}.db`)
      dataSource = new DataSource({ type: 'better-sqlite3', driver: libsql, database, entities, synchronize: true, enableWAL: true })
    } else {
      const database = await (dialect === 'postgres' ? createTestDatabase() : createMysqlDatabase())
      drop = () => database.drop()
      dataSource = new DataSource({ type: dialect === 'postgres' ? 'postgres' : 'mariadb', url: database.url, entities, synchronize: true })
    }
    await dataSource.initialize()
    const rows = Array.from({ length: 3000 }, (_, at) => `(${at + 1}, '${'a note of some length, to fill chunks with '.repeat(3)}${at}', 1)`)
    for (let at = 0; at < rows.length; at += 500) await run(`INSERT INTO item (id, note, version) VALUES ${rows.slice(at, at + 500).join(', ')}`)
    await run(`INSERT INTO other (id, note) VALUES (1, 'x')`)
    const plan = definePlan({
      id: 'shop',
      description: 'd',
      entities: [BackupEntity.for(item, { cursor: 'version' }), other],
      policy: { chunkBytes: 64 * 1024, reconcileEvery: 3 },
    })
    holdfast = await createHoldfast({ stores: [typeormStore(dataSource, { name: 'main' })], storage: memoryStorage(), plans: [plan] })
  })
  afterEach(async () => {
    await holdfast?.close()
    await dataSource?.destroy()
    await drop()
  })

  const backup = async () => {
    const result = await holdfast.backups.run('shop')
    const { entities } = await holdfast.discovery.snapshot(result.snapshotId)
    const { change } = entities.find(({ descriptor }) => descriptor.name === 'Item')!
    return { ...result, change, others: entities.find(({ descriptor }) => descriptor.name === 'Other')!.change }
  }
  const noteOf = async (snapshot: string, id: number) => (await (await holdfast.discovery.open(snapshot)).findOne(item, id))?.note
  const stale = async (snapshot: string) => brief(await collect(await holdfast.comparisons.compare({ before: snapshot })))

  it('goes by it, says so, and claims no more than that', async () => {
    const full = await backup()
    expect(full).toMatchObject({ kind: 'full', consistency: 'snapshot', warnings: [] })
    const next = await backup()
    expect(next).toMatchObject({ kind: 'incremental', consistency: 'fuzzy' })
    expect(next.warnings).toEqual([expect.stringMatching(/^Item: \d+ of \d+ ranges were taken over because keys and version are as they were/)])
    expect(next.change).toMatchObject({ method: 'cursor', read: 0, evidence: [{ method: 'cursor', values: { cursor: 'version' } }] })
    expect(next.others.method).not.toBe('cursor')
  })

  it('sees rows that were written with it, came or went', async () => {
    await backup()
    await run(`UPDATE item SET note = 'written', version = 2 WHERE id = 100`)
    await run(`DELETE FROM item WHERE id = 1500`)
    await run(`INSERT INTO item (id, note, version) VALUES (5000, 'new', 1)`)
    const { snapshotId, change } = await backup()
    expect(change.method).toBe('cursor')
    expect(change.reused).toBeGreaterThan(0)
    expect(await stale(snapshotId)).toEqual([])
    expect(await noteOf(snapshotId, 100)).toBe('written')
  })

  it('sees a row that another took the place of', async () => {
    await backup()
    await run(`DELETE FROM item WHERE id = 1500`)
    await run(`INSERT INTO item (id, note, version) VALUES (5000, 'new', 1)`)
    await run(`UPDATE item SET id = 1500 WHERE id = 1501`)
    const { snapshotId } = await backup()
    expect(await stale(snapshotId)).toEqual([])
  })

  it('does not see a write past it until the reconciling run, and comparing sees it at once', async () => {
    await backup()
    await run(`UPDATE item SET note = 'past the cursor' WHERE id = 100`)
    for (let runs = 1; runs < 3; runs++) {
      const guessed = await backup()
      expect(guessed).toMatchObject({ consistency: 'fuzzy' })
      expect(await noteOf(guessed.snapshotId, 100)).toMatch(/^a note/)
      expect(await stale(guessed.snapshotId)).toEqual(['Item [100] changed'])
    }
    const exact = await backup()
    expect(exact).toMatchObject({ consistency: 'snapshot', warnings: [] })
    expect(exact.change.method).not.toBe('cursor')
    expect(exact.change.reused).toBeGreaterThan(0)
    expect(await noteOf(exact.snapshotId, 100)).toBe('past the cursor')
    // And on from there.
    await run(`UPDATE item SET note = 'written', version = version + 1 WHERE id = 2000`)
    const after = await backup()
    expect(after.change).toMatchObject({ method: 'cursor' })
    expect(await stale(after.snapshotId)).toEqual([])
  })

  it('puts no doubt on a restore', async () => {
    await backup()
    const { snapshotId } = await backup()
    await run(`UPDATE item SET note = 'past the cursor' WHERE id = 100`)
    await run(`DELETE FROM item WHERE id = 200`)
    if (dialect === 'mysql') return // cannot be restored into yet
    const { totals } = await holdfast.restores.restore({ snapshot: snapshotId, policy: 'overwrite' })
    expect(totals).toMatchObject({ create: 1, update: 1 })
    expect(await stale(snapshotId)).toEqual([])
  })
})
