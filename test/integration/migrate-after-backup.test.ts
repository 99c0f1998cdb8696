import 'reflect-metadata'
import libsql from 'libsql'
import { DataSource, EntitySchema, type MigrationInterface, type QueryRunner } from 'typeorm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { migrateUpAfterBackup, mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { type MigratedAfterBackup, runMigrationsAfterBackup, typeormStore } from '../../adapters/typeorm/index.ts'
import { createHoldfast, definePlan, type EntityStore, type Holdfast, type Hooks } from '../../src/index.ts'
import { DIALECTS, type TestDialect } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { failure } from '../support/failure.ts'
import { mikroOrm6 } from '../support/mikro-orm/mikro-orm-6.ts'
import { mikroOrm7 } from '../support/mikro-orm/mikro-orm-7.ts'
import type { MikroOrmModules } from '../support/mikro-orm/mikro-orm-modules.ts'

interface Step {
  readonly name: string
  readonly up: readonly string[]
}
const SHOP: Step = {
  name: 'Shop1700000000001',
  up: [
    'CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, cents INTEGER NOT NULL)',
    `INSERT INTO orders (id, cents) VALUES ${Array.from({ length: 30 }, (_, n) => `(${n + 1}, ${n + 1})`).join(', ')}`,
  ],
}
const RUIN: Step = { name: 'Ruin1700000000002', up: ['UPDATE orders SET cents = 0'] }
const WIDEN: Step = { name: 'Widen1700000000003', up: ['ALTER TABLE orders ADD COLUMN note VARCHAR(20)'] }
const BROKEN: Step = { name: 'Broken1700000000004', up: ['UPDATE nowhere SET cents = 0'] }

interface Application {
  readonly store: EntityStore
  migrate(holdfast: Holdfast): Promise<MigratedAfterBackup>
  close(): Promise<unknown>
}

async function openTypeorm(dialect: TestDialect, location: string, steps: readonly Step[], columns: readonly string[]): Promise<Application> {
  const Order = new EntitySchema({
    name: 'Order',
    tableName: 'orders',
    columns: {
      id: { type: 'integer', primary: true },
      ...Object.fromEntries(columns.map((column) => [column, { type: 'varchar' as const, nullable: true }])),
      cents: { type: 'integer' },
    },
  })
  const migrations = steps.map(({ name, up }) =>
    Object.defineProperty(
      class implements MigrationInterface {
        name = name
        async up(runner: QueryRunner) {
          for (const sql of up) await runner.query(sql)
        }
        async down() {}
      },
      'name',
      { value: name },
    ),
  )
  const options = { entities: [Order], migrations }
  const dataSource = new DataSource(
    dialect === 'sqlite'
      ? { type: 'better-sqlite3', driver: libsql, database: location, ...options }
      : { type: dialect === 'postgres' ? 'postgres' : 'mariadb', url: location, ...options },
  )
  await dataSource.initialize()
  return {
    store: typeormStore(dataSource),
    migrate: (holdfast) => runMigrationsAfterBackup(dataSource, holdfast, { plan: 'shop', metadata: { release: '2' } }),
    close: () => dataSource.destroy(),
  }
}

async function openMikroOrm(
  mikroOrm: MikroOrmModules,
  dialect: TestDialect,
  location: string,
  steps: readonly Step[],
  columns: readonly string[],
): Promise<Application> {
  const properties: Record<string, object> = { id: { type: 'integer', primary: true } }
  for (const column of columns) properties[column] = { type: 'string', nullable: true }
  properties['cents'] = { type: 'integer' }
  const Order = new mikroOrm.core.EntitySchema({ name: 'Order', tableName: 'orders', properties: properties as never })
  const { Migration, Migrator } = await mikroOrm.migrations()
  const migrationsList = steps.map(({ name, up }) => ({
    name,
    class: class extends Migration {
      up() {
        for (const sql of up) this.addSql(sql)
      }
    },
  }))
  const migrator: object = { extensions: [Migrator], migrations: { snapshot: false, silent: true, migrationsList } }
  const orm = await mikroOrm.open(dialect, location, { entities: [Order], ...migrator })
  return {
    store: mikroOrmStore(orm),
    migrate: (holdfast) => migrateUpAfterBackup(orm, holdfast, { plan: 'shop', metadata: { release: '2' } }),
    close: () => orm.close(),
  }
}

const ORMS = {
  TypeORM: openTypeorm,
  'MikroORM 7': openMikroOrm.bind(null, mikroOrm7),
  'MikroORM 6': openMikroOrm.bind(null, mikroOrm6),
}
const PLACES = DIALECTS.flatMap((dialect) => Object.entries(ORMS).map(([orm, open]) => ({ orm, dialect, open })))

describe.each(PLACES)('migrations after a backup, $orm on $dialect', ({ dialect, open }) => {
  let database: LiveDatabase
  let storage: ReturnType<typeof memoryStorage>
  const opened: { close(): Promise<unknown> }[] = []
  beforeEach(async () => {
    database = await createLiveDatabase(dialect)
    storage = memoryStorage()
  })
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close()
    await database.drop()
  })

  /** A release of the application: its migrations, its entities. */
  async function release(steps: readonly Step[], columns: readonly string[] = [], hooks: Hooks = {}) {
    const application = await open(dialect, database.location, steps, columns)
    const plan = definePlan({ id: 'shop', description: 'All', entities: ['Order'] })
    const holdfast = await createHoldfast({ stores: [application.store], storage: { ...storage, close: async () => {} }, plans: [plan], hooks })
    opened.push(application, holdfast)
    return { holdfast, migrate: () => application.migrate(holdfast) }
  }
  const zeroes = () => database.count({ table: 'orders' }, 'cents = 0')

  it('takes a snapshot when migrations are pending, and only then', async () => {
    const first = await release([SHOP])
    expect(await first.migrate()).toEqual({ snapshots: [], migrations: [SHOP.name] })
    expect(await first.migrate()).toEqual({ snapshots: [], migrations: [] })
    expect(await first.holdfast.discovery.snapshots()).toEqual([])

    const second = await release([SHOP, RUIN])
    const { snapshots, migrations } = await second.migrate()
    expect(migrations).toEqual([RUIN.name])
    expect(await zeroes()).toBe(30)
    const manifest = await second.holdfast.discovery.snapshot(snapshots[0]!)
    expect(manifest).toMatchObject({ trigger: 'automatic', metadata: { before: 'migration', release: '2' } })
    expect(manifest.stores.map((store) => store.migrations)).toEqual([[SHOP.name]])
    await second.holdfast.restores.restore({ snapshot: snapshots[0]!, policy: 'overwrite' })
    expect(await zeroes()).toBe(0)
    const { snapshotId } = await second.holdfast.backups.run('shop')
    expect((await second.holdfast.discovery.snapshot(snapshotId)).stores[0]?.migrations).toEqual([SHOP.name, RUIN.name])
  })

  it('migrates nothing when the backup fails', async () => {
    await (await release([SHOP])).migrate()
    const refused = await release([SHOP, RUIN], [], { beforeBackup: () => Promise.reject(new Error('no')) })
    await failure(refused.migrate(), 'E_HOOK')
    expect(await zeroes()).toBe(0)
    // The entities are those after the migration: what they map is not there to be backed up.
    const ahead = await release([SHOP, RUIN, WIDEN], ['note'])
    const error = await failure(ahead.migrate(), 'E_SCHEMA_DRIFT')
    expect(error.message).toContain('nothing was backed up, and nothing migrated')
    expect(await zeroes()).toBe(0)
  })

  it('names the snapshot when a migration fails', async () => {
    await (await release([SHOP])).migrate()
    const { holdfast, migrate } = await release([SHOP, BROKEN])
    const error = await failure(migrate(), 'E_MIGRATION')
    const [snapshot] = error.details['snapshots'] as readonly string[]
    expect((await holdfast.discovery.verify(snapshot!)).damages).toEqual([])
  })
})
