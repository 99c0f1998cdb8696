import 'reflect-metadata'
import { join } from 'node:path'
import libsql from 'libsql'
import { DataSource, EntitySchema } from 'typeorm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { createHoldfast, definePlan, type EntityKey, type Holdfast, type RowPick } from '../../src/index.ts'
import { entityKeyValue } from '../../src/cli/entity-key-value.ts'
import { collect } from '../support/collect.ts'
import { openPlainDatabase, type PlainDatabase } from '../support/plain-database.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const id = (n: number): Buffer => Buffer.from(`00112233445566778899aabbccddee${n.toString(16).padStart(2, '0')}`, 'hex')

const TYPES = {
  postgres: { sql: 'bytea', column: { type: 'bytea' }, literal: (n: number) => `'\\x${id(n).toString('hex')}'` },
  mysql: { sql: 'binary(16)', column: { type: 'binary', length: 16 }, literal: (n: number) => `x'${id(n).toString('hex')}'` },
  sqlite: { sql: 'blob', column: { type: 'blob' }, literal: (n: number) => `x'${id(n).toString('hex')}'` },
} as const

// Identifiers of sixteen bytes, as MySQL's users keep their UUIDs.
describe.each(['postgres', 'mysql', 'sqlite'] as const)('rows whose key is bytes, in %s', (dialect) => {
  const { sql, column, literal } = TYPES[dialect]
  const folder = temporaryFolder()
  let database: PlainDatabase
  let dataSource: DataSource
  let holdfast: Holdfast
  let snapshot: string

  beforeAll(async () => {
    database = await openPlainDatabase(dialect, folder.path)
    await database.run(`CREATE TABLE device (id ${sql} PRIMARY KEY, name varchar(20) NOT NULL)`)
    const device = new EntitySchema<Record<string, unknown>>({
      name: 'Device',
      tableName: 'device',
      columns: { id: { ...column, primary: true }, name: { type: 'varchar', length: 20 } },
    })
    const { location } = database
    dataSource = new DataSource(
      dialect === 'sqlite'
        ? { type: 'better-sqlite3', driver: libsql, database: location, entities: [device] }
        : { type: dialect === 'mysql' ? 'mariadb' : 'postgres', url: location, entities: [device] },
    )
    await dataSource.initialize()
    holdfast = await createHoldfast({
      stores: [typeormStore(dataSource)],
      storage: fsStorage({ root: join(folder.path, 'backups') }),
      plans: [definePlan({ id: 'devices', description: 'd', entities: [device] })],
    })
    await database.run(`INSERT INTO device (id, name) VALUES ${[1, 2, 3, 4].map((n) => `(${literal(n)}, 'device ${n}')`).join(', ')}`)
    snapshot = (await holdfast.backups.run('devices')).snapshotId
  })
  afterAll(async () => {
    await holdfast?.close()
    await dataSource?.destroy()
    await database?.drop()
  })
  beforeEach(() => database.run('DELETE FROM device'))

  const names = async () => (await database.rows('SELECT name FROM device ORDER BY name')).map(({ name }) => name)

  it.each<readonly [string, Omit<RowPick, 'entity'>]>([
    ['by the bytes', { keys: [id(2), id(3)] }],
    ['by a list of the bytes', { keys: [[id(2)], [id(3)]] }],
    ['by name', { keys: [{ id: id(2) }, { id: id(3) }] }],
    ['as the command line has them', { keys: [2, 3].map((n): EntityKey => entityKeyValue(`{"blob":"${id(n).toString('base64')}"}`)) }],
    ['by a condition', { where: { id: { in: [id(2), id(3)] } } }],
    ['by bounds', { where: { id: { gt: id(1), lt: { blob: id(4).toString('base64') } } } }],
  ])('come back picked %s, by a plan that was kept, too', async (_, picked) => {
    const request = { snapshot, select: [{ entity: 'Device', ...picked }] }
    expect((await holdfast.restores.restore(request)).totals).toMatchObject({ records: 2, create: 2 })
    expect(await names()).toEqual(['device 2', 'device 3'])
    await database.run('DELETE FROM device')
    const { planId } = await holdfast.restores.plan(request)
    expect((await holdfast.restores.apply(planId)).totals).toMatchObject({ create: 2 })
    expect(await names()).toEqual(['device 2', 'device 3'])
  })

  it('are refused when they are not in the snapshot, or are no base64', async () => {
    const pick = (keys: readonly EntityKey[]) => holdfast.restores.restore({ snapshot, select: [{ entity: 'Device', keys }] })
    await expect(pick([id(9)])).rejects.toMatchObject({ code: 'E_SELECTION' })
    await expect(pick([{ blob: 'no base64' }])).rejects.toMatchObject({ code: 'E_CONFIG', hint: expect.stringContaining('"blob"') })
    await expect(pick([[{ blob: 'AQ' }]])).rejects.toMatchObject({ code: 'E_CONFIG' })
    expect(await names()).toEqual([])
  })

  it('are named as they are shown', async () => {
    const { planId } = await holdfast.restores.plan({ snapshot, select: [{ entity: 'Device', keys: [id(2)] }] })
    const [row] = await collect(holdfast.restores.planRows(planId))
    const [shown] = entityKeyValue(row!.key) as readonly [string]
    // In SQLite the same text may be a value of the column, too.
    const key = dialect === 'sqlite' ? { blob: shown } : shown
    await holdfast.restores.restore({ snapshot, select: [{ entity: 'Device', keys: [key] }] })
    expect(await names()).toEqual(['device 2'])
  })

  it('have a history, until they are erased', async () => {
    const key = { blob: id(2).toString('base64') }
    const history = () => collect(holdfast.comparisons.history('Device', key))
    expect(await history()).toMatchObject([{ snapshotId: snapshot }])
    expect(await collect(holdfast.comparisons.history('Device', id(2)))).toEqual(await history())
    await holdfast.erasures.erase('Device', key)
    expect(await history()).toEqual([])
    await holdfast.restores.restore({ snapshot })
    expect(await names()).toEqual(['device 1', 'device 3', 'device 4'])
  })
})
