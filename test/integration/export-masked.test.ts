import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan, type Holdfast, type MaskRule, maskEntity, masks, type RecordsFormat } from '../../src/index.ts'
import { type DeclaredEntity, type DeclaredStore, openDeclared, PLACES } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { failure } from '../support/failure.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const CUSTOMER: DeclaredEntity = {
  name: 'Customer',
  table: 'customer',
  properties: { email: { type: 'varchar' }, remark: { type: 'varchar', nullable: true }, shout: { type: 'varchar', nullable: true } },
}
const SHOP: readonly DeclaredEntity[] = [
  CUSTOMER,
  {
    name: 'Order',
    table: 'orders',
    properties: { customer: { of: 'Customer', column: 'customer_id' }, sentTo: { type: 'varchar', column: 'email_of_receiver' }, cents: { type: 'integer' } },
  },
]
const TABLES = [
  'CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, remark VARCHAR(200), shout VARCHAR(200) GENERATED ALWAYS AS (upper(email)) STORED)',
  'CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), email_of_receiver VARCHAR(200) NOT NULL, cents INTEGER NOT NULL)',
]
const PEOPLE = 200
const numbers = Array.from({ length: PEOPLE }, (_, n) => n + 1)
const ROWS = [
  `INSERT INTO customer (id, email, remark) VALUES ${numbers.map((n) => `(${n}, 'person${n}@mail.test', ${n % 3 === 0 ? 'NULL' : `'calls person${n}@mail.test'`})`).join(', ')}`,
  `INSERT INTO orders VALUES ${numbers.map((n) => `(${n}, ${1 + (n % 50)}, 'person${1 + (n % 50)}@mail.test', ${n})`).join(', ')}`,
]
const RULES = [maskEntity('Customer', { email: masks.email(), remark: masks.fake() }), maskEntity('Order', { sentTo: masks.email() })]
const ENDS: Readonly<Record<RecordsFormat, readonly string[]>> = { ndjson: [''], sql: [''], csv: ['Customer.csv', 'Order.csv'] }

// One ORM each: what is masked are lines.
describe.each(PLACES.filter(([orm, dialect]) => (dialect === 'sqlite') === (orm === 'MikroORM')))('records that go out masked, %s on %s', (orm, dialect) => {
  const folder = temporaryFolder()
  const opened: { close(): Promise<unknown> }[] = []
  const storage = memoryStorage()
  let database: LiveDatabase
  let shop: DeclaredStore
  let snapshot: string
  let files = 0

  const holdfastOf = async (rules: readonly MaskRule[] | null, store = shop): Promise<Holdfast> => {
    const plan = definePlan({ id: 'shop', description: 'All', entities: store.names.map((entity) => ({ entity })) })
    const masking = rules ? { masking: { key: 'a key that only production knows', rules } } : {}
    const holdfast = await createHoldfast({ stores: [store.store], storage: { ...storage, close: async () => {} }, plans: [plan], ...masking })
    opened.push(holdfast)
    return holdfast
  }
  const next = () => join(folder.path, `export-${++files}`)

  beforeAll(async () => {
    database = await createLiveDatabase(dialect)
    await database.carelessly(...TABLES, ...ROWS)
    shop = await openDeclared(orm, dialect, database.location, SHOP)
    ;({ snapshotId: snapshot } = await (await holdfastOf(null)).backups.run('shop'))
  })
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.close()))
    await shop.close()
    await database.drop()
    folder.remove()
  })

  it.each(['ndjson', 'csv', 'sql'] as const)('hold no value of a person as %s', async (format) => {
    const { bundles } = await holdfastOf(RULES)
    const to = next()
    const report = await bundles.exportRecords(snapshot, { format, to, mask: true })
    expect(report).toMatchObject({ records: 2 * PEOPLE, hidden: [{ entity: 'Customer', fields: ['shout'] }] })
    expect(report.masked.map(({ entity, field, masker }) => `${entity}.${field} ${masker}`).toSorted()).toEqual([
      'Customer.email email',
      'Customer.remark fake',
      'Order.sentTo email',
    ])
    for (const end of ENDS[format]) {
      const text = readFileSync(
        end === ''
          ? to
          : join(
              to,
              report.files.map(({ path }) => path!.split('/').at(-1)!).find((name) => name.endsWith(end))!,
            ),
        'utf8',
      )
      expect(text.length).toBeGreaterThan(1000)
      expect(text).not.toMatch(/person\d|mail\.test/i)
    }
  })

  it('belong together as before, and are no snapshot any more', async () => {
    const holdfast = await holdfastOf(RULES)
    const to = next()
    await holdfast.bundles.exportRecords(snapshot, { format: 'ndjson', to, mask: true })
    const lines = readFileSync(to, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { entity?: string; record?: Record<string, unknown> })
    const records = (of: string) => lines.flatMap(({ entity, record }) => (entity === of ? [record!] : []))
    const emails = new Map(records('Customer').map(({ id, email }) => [id, email]))
    expect(new Set(emails.values()).size).toBe(PEOPLE)
    expect(records('Customer').filter(({ remark }) => remark === null)).toHaveLength(Math.floor(PEOPLE / 3))
    for (const order of records('Order')) {
      expect(order.sentTo).toBe(emails.get(1 + (Number(order.id) % 50)))
      expect(order.cents).toBe(order.id)
    }
    expect((await failure(holdfast.bundles.importRecords(to), 'E_CONFIG')).message).toContain('masked')
  })

  it('are refused, before anything is written, while something would get through', async () => {
    const to = next()
    const refused = async (holdfast: Holdfast, options: object, code: 'E_MASKING' | 'E_CONFIG') => {
      const error = await failure(holdfast.bundles.exportRecords(snapshot, { format: 'ndjson', to, mask: true, ...options }), code)
      expect(existsSync(to)).toBe(false)
      return error.message
    }
    const partly = await holdfastOf([maskEntity('Customer', { email: masks.email() })])
    expect(await refused(partly, {}, 'E_MASKING')).toContain('Order.sentTo looks sensitive, and is neither masked nor declared plain')
    // Of what is not chosen nothing has to be said.
    expect(await partly.bundles.exportRecords(snapshot, { format: 'ndjson', to: next(), mask: true, entities: ['Customer'] })).toMatchObject({
      records: PEOPLE,
    })
    expect(await refused(partly, { mask: true, revealSensitive: true }, 'E_CONFIG')).toContain('contradict')
    expect(await refused(await holdfastOf(null), {}, 'E_CONFIG')).toContain('no masking is configured')
    const all = await holdfastOf(RULES)
    expect((await failure(all.bundles.export(snapshot, { to, mask: true } as never), 'E_CONFIG')).message).toContain('cannot be masked')
    expect(existsSync(to)).toBe(false)
  })

  it('are refused of what is mapped no more, since nothing says what it is', async () => {
    const { remark: _, ...rest } = CUSTOMER.properties
    const later = await openDeclared(orm, dialect, database.location, [{ ...CUSTOMER, properties: rest }, SHOP[1]!])
    try {
      const holdfast = await holdfastOf([maskEntity('Customer', { email: masks.email() }), RULES[1]!], later)
      const error = await failure(holdfast.bundles.exportRecords(snapshot, { format: 'ndjson', to: next(), mask: true }), 'E_MASKING')
      expect(error.message).toContain('Customer.remark is mapped no more')
    } finally {
      await later.close()
    }
  })
})
