import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../../adapters/memory/index.ts'
import { createHoldfast, definePlan, type Holdfast, type SchemaChange, upcast } from '../../../src/index.ts'
import { collect } from '../../support/collect.ts'
import { type DeclaredEntity, type DeclaredMigration, type DeclaredStore, openDeclared, PLACES, type TestDialect } from '../../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../../support/end-to-end/live-database.ts'

const NOTE = { name: 'Note', table: 'note', properties: { text: {}, customer: { of: 'Customer', column: 'customer_id', nullable: true } } }
const CUSTOMER = { name: 'Customer', table: 'customer', properties: { fullName: { column: 'full_name' }, fax: { nullable: true } } }
const ORDER = { name: 'Order', table: 'orders', properties: { customer: { of: 'Customer', column: 'customer_id' }, cents: { type: 'integer' as const } } }
const MONEY = { ...ORDER, properties: { customer: ORDER.properties.customer, amount: { type: 'decimal' as const } } }
const NAMES = {
  ...CUSTOMER,
  properties: { firstName: { column: 'first_name' }, lastName: { column: 'last_name' }, fax: { column: 'telefax', nullable: true }, tier: {} },
}
/** What the application maps after its first, second and third migration. */
const ENTITIES: readonly (readonly DeclaredEntity[])[] = [
  [CUSTOMER, ORDER, NOTE],
  [CUSTOMER, MONEY, NOTE],
  [NAMES, MONEY, NOTE],
]

const PEOPLE = 40
const rows = (count: number, row: (n: number) => string) => Array.from({ length: count }, (_, n) => `(${row(n + 1)})`).join(', ')

function migrationsOf(dialect: TestDialect): readonly DeclaredMigration[] {
  const [first, last] =
    dialect === 'postgres'
      ? [`split_part(full_name, ' ', 1)`, `split_part(full_name, ' ', 2)`]
      : [`substr(full_name, 1, instr(full_name, ' ') - 1)`, `substr(full_name, instr(full_name, ' ') + 1)`]
  return [
    {
      name: 'Shop1700000000000',
      up: [
        `CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, full_name VARCHAR(200) NOT NULL, fax VARCHAR(50))`,
        `CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), cents INTEGER NOT NULL)`,
        `CREATE TABLE note (id INTEGER NOT NULL PRIMARY KEY, text VARCHAR(200) NOT NULL, customer_id INTEGER REFERENCES customer (id))`,
        `INSERT INTO customer (id, full_name, fax) VALUES ${rows(PEOPLE, (n) => `${n}, 'Zoë${n} Quux${n}', ${n % 3 ? 'NULL' : `'0${n}'`}`)}`,
        `INSERT INTO orders (id, customer_id, cents) VALUES ${rows(5 * PEOPLE, (n) => `${n}, ${1 + (n % PEOPLE)}, ${n * 37}`)}`,
        `INSERT INTO note (id, text, customer_id) VALUES (1, 'a note', 7), (2, 'nobody''s', NULL)`,
      ],
    },
    {
      name: 'Money1700000000001',
      up: [
        `ALTER TABLE orders ADD COLUMN amount DECIMAL(12,2) DEFAULT 0 NOT NULL`,
        `UPDATE orders SET amount = cents / 100.0`,
        `ALTER TABLE orders DROP COLUMN cents`,
      ],
    },
    {
      name: 'Names1700000000002',
      up: [
        `ALTER TABLE customer ADD COLUMN first_name VARCHAR(100) DEFAULT '' NOT NULL`,
        `ALTER TABLE customer ADD COLUMN last_name VARCHAR(100) DEFAULT '' NOT NULL`,
        `ALTER TABLE customer ADD COLUMN tier VARCHAR(20) DEFAULT 'basic' NOT NULL`,
        `UPDATE customer SET first_name = ${first}, last_name = ${last}`,
        `ALTER TABLE customer DROP COLUMN full_name`,
        `ALTER TABLE customer RENAME COLUMN fax TO telefax`,
      ],
    },
  ]
}

/** Each says once, for every snapshot that is older, what its migration did to a row. */
const CHANGES: readonly SchemaChange[] = [
  upcast('Order', { from: null, to: 'Money1700000000001', change: ({ cents, ...order }) => ({ ...order, amount: (Number(cents) / 100).toFixed(2) }) }),
  upcast('Customer', {
    from: 'Shop1700000000000',
    to: 'Names1700000000002',
    change: ({ fullName, ...customer }) => {
      const [firstName, lastName] = (fullName as string).split(' ')
      return { ...customer, firstName, lastName }
    },
  }),
]

// The rows that are missed were backed up before the last two releases, and each release migrated the schema.
describe.each(PLACES)('the schema went two migrations further, %s on %s', (orm, dialect) => {
  const migrations = migrationsOf(dialect)
  const storage = memoryStorage()
  let database: LiveDatabase
  let shop: DeclaredStore | null = null
  let holdfast: Holdfast | null = null
  /** Ids of the snapshots taken after one, two and three migrations. */
  const snapshots: string[] = []

  /** Deploys a release: its entities, and its migrations, run by the ORM. */
  const release = async (version: number, schema: readonly SchemaChange[] = CHANGES) => {
    await holdfast?.close()
    await shop?.close()
    shop = await openDeclared(orm, dialect, database.location, ENTITIES[version - 1]!, 'default', migrations.slice(0, version))
    const plan = definePlan({ id: 'shop', description: 'All', entities: [...shop.names] })
    holdfast = await createHoldfast({
      stores: [shop.store],
      storage: { ...storage, close: async () => {} },
      plans: [plan],
      schema: version === 3 ? schema : [],
    })
    return holdfast
  }

  beforeAll(async () => {
    database = await createLiveDatabase(dialect)
    for (const version of [1, 2, 3]) snapshots.push((await (await release(version)).backups.run('shop')).snapshotId)
  })
  afterAll(async () => {
    await holdfast?.close()
    await shop?.close()
    await database.drop()
  })

  it('every snapshot knows the migrations of its day', async () => {
    const applied = []
    for (const id of snapshots) applied.push((await holdfast!.discovery.open(id)).manifest.stores[0]!.migrations)
    const names = migrations.map(({ name }) => name)
    expect(applied).toEqual([names.slice(0, 1), names.slice(0, 2), names])
  })

  it('what nobody explains is told of each snapshot before anything is written', async () => {
    const bare = await release(3, [])
    const differences = []
    for (const snapshot of snapshots) {
      const { schema } = await bare.restores.restore({ snapshot, dryRun: true })
      differences.push(schema.map(({ kind, entity, from, to }) => `${kind} ${entity} ${from ?? to}`).toSorted())
    }
    const names = ['added Customer firstName', 'added Customer lastName', 'added Customer tier', 'removed Customer fullName']
    expect(differences).toEqual([[...names, 'added Order amount', 'removed Order cents'].toSorted(), names, []])
    const reports = await collect((await release(3)).restores.checkRestorable())
    expect(reports.map(({ restorable }) => restorable)).toEqual([true, true, true])
  })

  it.each([0, 1, 2])('snapshot %i brings back what the migrations would have made of the rows, to the byte', async (at) => {
    const migrated = await database.image()
    await database.carelessly(
      `DELETE FROM orders WHERE customer_id <= 30`,
      `DELETE FROM customer WHERE id <= 30`,
      `UPDATE customer SET first_name = 'ruined' WHERE id = 33`,
      `UPDATE note SET text = 'written since' WHERE id = 2`,
    )
    const result = await holdfast!.restores.restore({ snapshot: snapshots[at]!, entities: ['Customer', 'Order'], policy: 'overwrite' })
    expect(result.totals).toMatchObject({ create: 30 + 150, update: 1, conflict: 0 })
    expect(result.schema.filter(({ kind }) => kind === 'upcast').map(({ entity }) => entity)).toEqual([['Customer', 'Order'], ['Customer'], []][at])
    expect(await database.count({ table: 'note' }, `text = 'written since'`)).toBe(1)
    await database.carelessly(`UPDATE note SET text = 'nobody''s' WHERE id = 2`)
    expect(await database.image()).toEqual(migrated)
  })
})
