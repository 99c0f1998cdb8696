import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan, type Holdfast, renamedFrom, type SchemaChange, upcast } from '../../src/index.ts'
import { collect } from '../support/collect.ts'
import { type DeclaredStore, openDeclared, PLACES } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { failure } from '../support/failure.ts'
import { CHANGES, NOW, NOW_SQL, THEN, THEN_SQL } from '../support/migrated-shop.ts'

/** Every database, each with one of the ORMs: what is tested lies below them. */
const EACH = PLACES.filter(([orm, dialect]) => (orm === 'TypeORM') === (dialect === 'postgres'))
const MASK = '•••'

describe.each(EACH)('looking at snapshots of an older schema, %s on %s', (orm, dialect) => {
  let database: LiveDatabase
  let now: DeclaredStore
  let holdfast: Holdfast
  /** Two of the older schema, one of today's. */
  let first: string
  let second: string
  let third: string
  /** Names that an up-caster got to see. */
  const cast: unknown[] = []
  const storage = memoryStorage()
  const opened: Holdfast[] = []
  const holdfastOf = async (place: DeclaredStore, schema: readonly SchemaChange[]) => {
    const entities = place.names.map((entity) => (entity === 'Buyer' ? { entity, sensitive: ['fullName'] } : { entity }))
    const plan = definePlan({ id: 'shop', description: 'All', entities })
    const made = await createHoldfast({ stores: [place.store], storage: { ...storage, close: async () => {} }, plans: [plan], schema })
    opened.push(made)
    return made
  }
  /** What MariaDB made of the statement's backslash. */
  const odd = dialect === 'mysql' ? 'é" ' : 'é"\\ '
  /** SQLite makes numbers of decimals. */
  const amount = (text: string) => (dialect === 'sqlite' ? Number(text) : text)
  const order = (id: number, customer: number, price: string, note: string | null) => ({ id, customer: { id: customer }, amount: amount(price), note })
  const brief = (
    differences: readonly { entity: string; key: string; change: string; fields: readonly { field: string; before?: unknown; after?: unknown }[] }[],
  ) =>
    differences.map(
      ({ entity, key, change, fields }) =>
        `${entity} ${key} ${change}: ${fields.map(({ field, before, after }) => `${field} ${String(before)} → ${String(after)}`).join(', ')}`,
    )

  beforeAll(async () => {
    database = await createLiveDatabase(dialect)
    await database.carelessly(...THEN_SQL)
    const then = await openDeclared(orm, dialect, database.location, THEN)
    const before = await holdfastOf(then, [])
    ;({ snapshotId: first } = await before.backups.run('shop'))
    await database.carelessly(`UPDATE purchase SET cents = 1300 WHERE id = 1`, `UPDATE buyer SET full_name = 'Charles Darwin' WHERE id = 2`)
    ;({ snapshotId: second } = await before.backups.run('shop'))
    await then.close()

    // What says of the newest snapshot that it has been through the up-casters.
    now = await openDeclared(orm, dialect, database.location, NOW, 'default', [
      { name: 'SplitName1700000000000', up: NOW_SQL },
      { name: 'Money1800000000000', up: [] },
      { name: 'Seen1900000000000', up: [] },
    ])
    const spy = upcast('Customer', { from: null, to: 'Seen1900000000000', change: (record) => (cast.push(record['lastName']), record) })
    holdfast = await holdfastOf(now, [...CHANGES, spy])
    await holdfast.restores.restore({ snapshot: second })
    ;({ snapshotId: third } = await holdfast.backups.run('shop'))
  })
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.close()))
    await now?.close()
    await database.drop()
  })

  it('reads records as those of today, and as they were stored', async () => {
    const reader = await holdfast.discovery.open(first)
    const orders = [order(1, 1, '12.34', 'first'), order(2, 1, '0.05', null), order(3, 2, '1.00', odd)]
    expect(await collect(reader.stream('Order'))).toEqual(orders)
    expect(await collect(reader.stream('Order', { where: { amount: { gte: '0.05', lt: 12 } }, fields: ['id'] }))).toEqual([{ id: 2 }, { id: 3 }])
    expect(await collect(reader.stream('Order', { where: { 'customer.id': 2 } }))).toEqual([orders[2]])
    expect(await reader.findOne('Order', 1)).toEqual(orders[0])
    expect(await reader.findOne('Order', { id: 4 })).toBeNull()
    // What was added is in no record unless an up-caster gives it.
    expect(await collect(reader.stream('Customer'))).toEqual([
      { id: 1, firstName: 'Ada', lastName: 'Lovelace' },
      { id: 2, firstName: 'Charles', lastName: 'Babbage' },
    ])
    expect((await failure(collect(reader.stream('Customer', { where: { tier: 'basic' } })), 'E_CONFIG')).message).toContain('no field "tier"')
    expect(reader.schema.map(({ entity, kind, from, to }) => `${kind} ${entity} ${from} ${to}`)).toContain('renamed Order buyer.id customer.id')
    // By the names of its own manifest; and what is gone today is there as it was.
    expect(reader.manifest.entities.map(({ descriptor }) => descriptor.name).sort()).toEqual(['Buyer', 'Draft', 'Purchase'])
    expect(await collect(reader.stream('Purchase'))).toEqual(orders)
    expect(await collect(reader.stream('Draft'))).toEqual([{ id: 1, text: 'gone for good' }])

    const archived = await holdfast.discovery.open(first, { as: 'archived' })
    expect(await archived.findOne('Purchase', 1)).toEqual({ id: 1, buyer: { id: 1 }, cents: 1234, note: 'first' })
    expect(archived.schema).toEqual([])
    expect((await failure(collect(archived.stream('Order')), 'E_ENTITY_UNKNOWN')).hint).toContain('Purchase')
    await failure(holdfast.discovery.open(first, { as: 'yesterday' as never }), 'E_CONFIG')
  })

  it('finds no difference where only the schema became another, and every one where values did', async () => {
    const live = await holdfast.comparisons.compare({ before: second })
    expect(await collect(live)).toEqual([])
    expect(live.summary).toMatchObject({ complete: true, totals: { added: 0, removed: 0, changed: 0 } })
    expect(live.summary.schema.map(({ entity, ...more }) => `${entity} ${Object.values(more).slice(1).join(' ')}`)).toEqual(
      expect.arrayContaining(['Order entity-renamed Purchase Order', 'Order field-renamed buyer.id customer.id', 'Order upcast  Money1800000000000']),
    )
    expect(await collect(await holdfast.comparisons.compare({ before: second, after: third }))).toEqual([])
    const changes = [`Customer [2] changed: lastName ${MASK} → ${MASK}`, `Order [1] changed: amount ${amount('12.34')} → ${amount('13.00')}`]
    for (const after of ['live', second, third])
      expect(brief(await collect(await holdfast.comparisons.compare({ before: first, after }))).sort()).toEqual(changes)
    // Two of the same schema: ranges that hold the same are not read, although their lines would be converted.
    const both = await holdfast.comparisons.compare({ before: first, after: second, entities: ['Draft', 'Order'] })
    expect((await both.finish()).entities.find(({ entity }) => entity === 'Draft')).toMatchObject({ rowsRead: 0, rowsSkipped: 2 })
    const asStored = await holdfast.comparisons.compare({ before: first, after: second, entities: ['Purchase'], as: 'archived' })
    expect(brief(await collect(asStored))).toEqual(['Purchase [1] changed: cents 1234 → 1300'])
    await failure(holdfast.comparisons.compare({ before: first, entities: ['Purchase'] }), 'E_ENTITY_UNKNOWN')
  })

  it('tells the history of a record over the migration', async () => {
    const history = async (entity: string, key: number) =>
      (await collect(holdfast.comparisons.history(entity, key, { order: 'oldest-first' }))).map(
        ({ snapshotId, change, fields }) =>
          `${[first, second, third].indexOf(snapshotId)} ${change} ${fields
            .map(({ field }) => field)
            .sort()
            .join()}`,
      )
    expect(await history('Order', 1)).toEqual(['0 appeared amount,customer.id,id,note', '1 changed amount'])
    expect(await history('Order', 3)).toEqual(['0 appeared amount,customer.id,id,note'])
    expect(await history('Customer', 2)).toEqual(['0 appeared firstName,id,lastName', '1 changed lastName'])
    // Under its name of then it is in no snapshot of today.
    await failure(collect(holdfast.comparisons.history('Purchase', 1)), 'E_ENTITY_UNKNOWN')
    expect(await collect(holdfast.comparisons.history('Purchase', 1, { as: 'archived' }))).toHaveLength(2)
  })

  it('refuses what no up-caster may do, and shows as it was what nobody declared', async () => {
    const wrong = async (change: (record: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>) => {
      const other = await holdfastOf(now, [CHANGES[1]!, upcast('Order', { from: null, to: 'Wrong', change })])
      const reader = await other.discovery.open(first)
      await failure(collect(await other.comparisons.compare({ before: first, entities: ['Order'] })), 'E_RECORD')
      await failure(collect(other.comparisons.history('Order', 1)), 'E_RECORD')
      await failure(reader.findOne('Order', 1), 'E_RECORD')
      return (await failure(collect(reader.stream('Order')), 'E_RECORD')).message
    }
    expect(await wrong(({ id, ...record }) => ({ ...record, id: Number(id) + 1000, amount: '1' }))).toContain('another "id", which is part of the key')
    if (dialect !== 'sqlite') expect(await wrong((record) => ({ ...record, amount: 'much' }))).toContain('"amount" does not fit')
    expect(await wrong((record) => ({ ...record, colour: 'red' }))).toContain('gives "colour"')

    const bare = await (await holdfastOf(now, [])).discovery.open(first)
    await failure(collect(bare.stream('Order')), 'E_ENTITY_UNKNOWN')
    expect(await bare.findOne('Purchase', 1)).toEqual({ id: 1, buyer: { id: 1 }, cents: 1234, note: 'first' })
    const both = await holdfastOf(now, [renamedFrom('Order', { entity: 'Purchase' }), renamedFrom('Order', { entity: 'Draft' })])
    expect((await failure(both.discovery.open(first), 'E_SCHEMA_DRIFT')).message).toContain('"Draft" and "Purchase"')
  })

  it('gives nobody who was erased to a reader, a comparison, a history or an up-caster', async () => {
    await database.carelessly(`UPDATE orders SET note = 'since' WHERE id = 3`)
    expect(brief(await collect(await holdfast.comparisons.compare({ before: second })))).toEqual([`Order [3] changed: note ${odd} → since`])
    await holdfast.erasures.erase('Customer', 2, { reason: 'GDPR-1' })
    cast.length = 0
    for (const id of [first, second, third]) {
      const reader = await holdfast.discovery.open(id)
      expect((await collect(reader.stream('Order', { fields: ['id'] }))).map((each) => (each as { id: number }).id)).toEqual([1, 2])
      expect((await collect(reader.stream('Customer'))).length).toBe(1)
      expect([await reader.findOne('Customer', 2), await reader.findOne('Order', 3)]).toEqual([null, null])
      const live = await holdfast.comparisons.compare({ before: id, entities: ['Customer'] })
      expect(await collect(live)).toEqual([])
      expect(live.summary.erased).toEqual([{ store: 'default', entity: 'Customer', records: 1 }])
    }
    expect(await collect(await holdfast.comparisons.compare({ before: second, after: third }))).toEqual([])
    expect(await collect(holdfast.comparisons.history('Customer', 2))).toEqual([])
    expect(new Set(cast)).toEqual(new Set(['Lovelace']))
  })
})
