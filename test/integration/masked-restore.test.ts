import { defineEntity, p } from '@mikro-orm/core'
import { MikroORM as MariadbMikroORM } from '@mikro-orm/mariadb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { createHoldfast, definePlan, type Holdfast, type MaskRule, maskEntity, masks } from '../../src/index.ts'
import { collect } from '../support/collect.ts'
import { type DeclaredEntity, type DeclaredStore, openDeclared, PLACES } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { failure } from '../support/failure.ts'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import type { TestDatabase } from '../support/postgres.ts'

const SHOP: readonly DeclaredEntity[] = [
  {
    name: 'Customer',
    table: 'customer',
    properties: {
      email: { type: 'varchar' },
      fullName: { column: 'full_name' },
      phone: { nullable: true },
      born: { type: 'varchar', nullable: true },
      city: {},
    },
  },
  {
    name: 'Order',
    table: 'orders',
    properties: { customer: { of: 'Customer', column: 'customer_id' }, sentTo: { column: 'email_of_receiver' }, cents: { type: 'integer' } },
  },
]
const TABLES = [
  `CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, full_name VARCHAR(200) NOT NULL, phone VARCHAR(40), born VARCHAR(10), city VARCHAR(100) NOT NULL)`,
  `CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), email_of_receiver VARCHAR(200) NOT NULL, cents INTEGER NOT NULL)`,
]
const PEOPLE = 400
const customer = (n: number) =>
  `(${n}, 'person${n}@mail.test', 'Zoë Quux ${n}', ${n % 3 === 0 ? 'NULL' : `'+41 79 ${1000000 + n}'`}, '19${10 + (n % 80)}-02-0${1 + (n % 9)}', 'Basel')`
const numbers = Array.from({ length: PEOPLE }, (_, n) => n + 1)
const ROWS = [
  `INSERT INTO customer (id, email, full_name, phone, born, city) VALUES ${numbers.map(customer).join(', ')}`,
  `INSERT INTO orders (id, customer_id, email_of_receiver, cents) VALUES ${numbers.map((n) => `(${n}, ${1 + (n % 50)}, 'person${1 + (n % 50)}@mail.test', ${n})`).join(', ')}`,
]
const KEY = 'a key that only production knows'
const CUSTOMER = { id: masks.fake(), email: masks.email(), fullName: masks.fake(), phone: masks.fake(), born: masks.fixed('1970-01-01'), city: masks.plain() }
const RULES = [maskEntity('Customer', CUSTOMER), maskEntity('Order', { sentTo: masks.email() })]

describe.each(PLACES)('a masked restore, %s on %s', (orm, dialect) => {
  const databases: LiveDatabase[] = []
  const opened: { close(): Promise<unknown> }[] = []
  let production: DeclaredStore
  let staging: DeclaredStore
  let snapshot: string
  const storage = memoryStorage()

  const holdfastOf = async (rules: readonly MaskRule[] | null, key = KEY): Promise<Holdfast> => {
    const plan = definePlan({ id: 'shop', description: 'All', entities: production.names.map((entity) => ({ entity, store: 'default' })) })
    const masking = rules ? { masking: { key, rules } } : {}
    const holdfast = await createHoldfast({
      stores: [production.store, staging.store],
      storage: { ...storage, close: async () => {} },
      plans: [plan],
      ...masking,
    })
    opened.push(holdfast)
    return holdfast
  }
  const into = { into: { default: 'staging' }, mask: true }
  const emptyStaging = () => databases[1]!.carelessly('DELETE FROM orders', 'DELETE FROM customer')

  beforeAll(async () => {
    for (const name of ['default', 'staging']) {
      const database = await createLiveDatabase(dialect)
      databases.push(database)
      await database.carelessly(...TABLES, ...(name === 'default' ? ROWS : []))
      const store = await openDeclared(orm, dialect, database.location, SHOP, name)
      if (name === 'default') production = store
      else staging = store
    }
    ;({ snapshotId: snapshot } = await (await holdfastOf(null)).backups.run('shop'))
  })
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.close()))
    await Promise.all([production.close(), staging.close()])
    await Promise.all(databases.map((database) => database.drop()))
  })

  it('brings no value of a person along, and keeps what is unique and what belongs together', async () => {
    const holdfast = await holdfastOf(RULES)
    const people = await databases[0]!.image()
    const look = await holdfast.restores.restore({ snapshot, ...into, dryRun: true, samples: 2 })
    expect(look).toMatchObject({ problems: 0, totals: { create: 2 * PEOPLE } })
    const result = await holdfast.restores.restore({ snapshot, ...into })
    expect(result.totals).toMatchObject({ create: 2 * PEOPLE })
    expect(result.masked.map(({ entity, field, masker }) => `${entity}.${field} ${masker}`).toSorted()).toEqual([
      'Customer.born fixed',
      'Customer.email email',
      'Customer.fullName fake',
      'Customer.id fake',
      'Customer.phone fake',
      'Order.customer.id fake',
      'Order.sentTo email',
    ])
    const [here, there] = databases as [LiveDatabase, LiveDatabase]
    expect(await here.image()).toEqual(people)
    const count = (where: string, table = 'customer') => there.count({ table }, where)
    expect(await count(`email LIKE 'person%' OR full_name LIKE '%Quux%' OR phone LIKE '+41 79 1000%'`)).toBe(0)
    expect(await count(`email LIKE '%@example.invalid' AND born = '1970-01-01' AND city = 'Basel'`)).toBe(PEOPLE)
    expect(await count('phone IS NULL')).toBe(Math.floor(PEOPLE / 3))
    // Shape: letters for letters, digits for digits, and the rest as it was.
    expect(await count(`phone LIKE '+__ __ _______'`)).toBe(PEOPLE - Math.floor(PEOPLE / 3))
    // The receiver of every order is the customer's own address, as it was in production.
    expect(await count('EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id AND c.email = email_of_receiver)', 'orders')).toBe(PEOPLE)
    expect(await count('customer_id <= 50', 'orders')).toBeLessThan(PEOPLE)

    // The same key, the same answers: nothing changes; another key, other people.
    expect((await holdfast.restores.restore({ snapshot, ...into, policy: 'overwrite' })).totals).toMatchObject({ create: 0, update: 0, identical: 2 * PEOPLE })
    const other = await holdfastOf(RULES, 'another key than the one before')
    const [first] = (await other.restores.restore({ snapshot, ...into, policy: 'overwrite', dryRun: true, entities: ['Customer'] })).entities
    expect(first!.identical).toBe(0)
  })

  it('lets no value reach the staging area either when a masker fails half-way', async () => {
    await emptyStaging()
    let seen = 0
    const failing = masks.custom({
      name: 'failing',
      mask: () => {
        if (++seen > 10) throw new Error('person11@mail.test')
        return 'x'
      },
    })
    const holdfast = await holdfastOf([maskEntity('Customer', { ...CUSTOMER, fullName: failing }), RULES[1]!])
    const error = await failure(holdfast.restores.restore({ snapshot, ...into }), 'E_MASKING')
    expect(error.message).toBe('E_MASKING: "Customer", line 11: "custom failing" cannot mask fullName: it failed; nothing was merged')
    expect(await databases[1]!.count({ table: 'customer' })).toBe(0)
  })

  it('is refused while a column that looks sensitive is neither masked nor declared plain, or its masker cannot be', async () => {
    const refused = async (rules: readonly MaskRule[]) => {
      const { restores } = await holdfastOf(rules)
      const { message, details } = await failure(restores.restore({ snapshot, ...into, dryRun: true }), 'E_MASKING')
      // No record is at fault, so no diagnostics name one.
      expect(await restores.diagnostics(details.restoreId as string)).toBeNull()
      expect(message).toContain('into "staging"')
      return message
    }
    const bare = await refused([])
    for (const column of ['Customer.email', 'Customer.fullName', 'Customer.phone', 'Customer.city', 'Order.sentTo'])
      expect(bare).toContain(`${column} looks sensitive, and is neither masked nor declared plain`)
    expect(bare).not.toContain('cents')
    expect(await refused([maskEntity('Customer', { ...CUSTOMER, email: masks.fixed('x') }), RULES[1]!])).toContain(
      'Customer.email is unique, and "fixed" gives different values one answer',
    )
    expect(await refused([maskEntity('Customer', { ...CUSTOMER, fullName: masks.null() }), RULES[1]!])).toContain(
      'Customer.fullName cannot be masked by "null": the column takes no NULL',
    )
    expect(await refused([RULES[0]!, maskEntity('Order', { sentTo: masks.email(), 'customer.id': masks.fake({ seed: 'other' }) })])).toContain(
      'Order.customer.id refers to Customer.id',
    )
  })

  it('is refused into the database that the snapshot is of, and where nothing says how', async () => {
    const holdfast = await holdfastOf(RULES)
    for (const request of [
      { snapshot, mask: true },
      { snapshot, mask: true, dryRun: true, policy: 'overwrite' as const },
    ]) {
      const error = await failure(holdfast.restores.restore(request), 'E_MASKING')
      expect(error.message).toContain('store "default" is the database that the snapshot was taken of')
    }
    expect(await databases[0]!.count({ table: 'customer' }, `email LIKE 'person%'`)).toBe(PEOPLE)
    await failure((await holdfastOf(null)).restores.restore({ snapshot, ...into }), 'E_CONFIG')
    expect(await collect(holdfast.restores.checkRestorable())).toMatchObject([{ restorable: true }])
  })
})

it.skipIf(mysqlUrl() === null)('is refused into the very tables of the snapshot, though the connection is to another database', async () => {
  const [production, staging] = [await createMysqlDatabase(), await createMysqlDatabase()]
  const open = async (database: TestDatabase) => {
    const properties = { id: p.integer().primary().autoincrement(false), email: p.string().length(100) }
    // The table of the one, whoever maps it.
    const Customer = defineEntity({ name: 'Customer', tableName: 'customer', schema: production.name, properties })
    return MariadbMikroORM.init({ clientUrl: database.url, entities: [Customer] })
  }
  await production.query(`CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(100) NOT NULL) ENGINE=InnoDB`)
  await production.query(`INSERT INTO customer (id, email) VALUES (1, 'ada@mail.test')`)
  const [ours, theirs] = [await open(production), await open(staging)]
  const holdfast = await createHoldfast({
    stores: [mikroOrmStore(ours, { name: 'default' }), mikroOrmStore(theirs, { name: 'staging' })],
    storage: memoryStorage(),
    plans: [definePlan({ id: 'shop', description: 'd', entities: [{ entity: 'Customer', store: 'default' }] })],
    masking: { key: KEY, rules: [maskEntity('Customer', { email: masks.email() })] },
  })
  try {
    const { snapshotId: snapshot } = await holdfast.backups.run('shop')
    const error = await failure(holdfast.restores.restore({ snapshot, into: { default: 'staging' }, mask: true, policy: 'overwrite' }), 'E_MASKING')
    expect(error.message).toContain(`Customer (${production.name}.customer)`)
    expect(await production.query('SELECT email FROM customer')).toEqual([{ email: 'ada@mail.test' }])
  } finally {
    await holdfast.close()
    await Promise.all([ours.close(), theirs.close()])
    await Promise.all([production.drop(), staging.drop()])
  }
})
