import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan, type Holdfast, type RelatedRows, type RowPick, type SchemaChange, upcast } from '../../src/index.ts'
import { collect } from '../support/collect.ts'
import { type DeclaredStore, openDeclared, PLACES } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { failure } from '../support/failure.ts'
import { CHANGES, NOW, NOW_SQL, THEN, THEN_SQL } from '../support/migrated-shop.ts'

describe.each(PLACES)('a snapshot of an older schema, %s on %s', (orm, dialect) => {
  let database: LiveDatabase
  let then: DeclaredStore
  let now: DeclaredStore | null
  let snapshot: string
  const storage = memoryStorage()
  const opened: Holdfast[] = []
  const holdfastOf = async (place: DeclaredStore, schema: readonly SchemaChange[] = []) => {
    const plan = definePlan({ id: 'shop', description: 'All', entities: [...place.names] })
    const holdfast = await createHoldfast({ stores: [place.store], storage: { ...storage, close: async () => {} }, plans: [plan], schema })
    opened.push(holdfast)
    return holdfast
  }
  const migrated = async () => {
    await then.close()
    await database.carelessly(...NOW_SQL)
    now = await openDeclared(orm, dialect, database.location, NOW)
    return now
  }

  beforeEach(async () => {
    database = await createLiveDatabase(dialect)
    await database.carelessly(...THEN_SQL)
    now = null
    then = await openDeclared(orm, dialect, database.location, THEN)
    ;({ snapshotId: snapshot } = await (await holdfastOf(then)).backups.run('shop'))
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((holdfast) => holdfast.close()))
    await now?.close()
    if (!now) await then.close()
    await database.drop()
  })

  it('is refused, each difference named, until the application says what became of it', async () => {
    const bare = await holdfastOf(await migrated())
    expect((await failure(bare.restores.restore({ snapshot }), 'E_ENTITY_UNKNOWN')).message).toMatch(/maps no entity "Buyer", .*"Purchase"/)
    const [report] = await collect(bare.restores.checkRestorable({ snapshot }))
    expect(report).toMatchObject({ snapshotId: snapshot, restorable: false, problems: [{ code: 'E_ENTITY_UNKNOWN' }] })
  })

  it('picks rows by the names of today, and by those of then where nobody is called so today', async () => {
    const holdfast = await holdfastOf(await migrated(), CHANGES)
    const picked = async (select: readonly RowPick[], related?: RelatedRows) => {
      const { entities } = await holdfast.restores.restore({ snapshot, select, ...(related ? { related } : {}), dryRun: true })
      return Object.fromEntries(entities.map(({ entity, create }) => [entity, create]))
    }
    for (const where of [{ 'customer.id': 1 }, { customer: { id: 1 } }, { customer: 1 }, { 'buyer.id': 1 }, { cents: { lt: 1300 }, customer: 1 }])
      expect(await picked([{ entity: 'Order', where }], {})).toEqual({ Order: 2, Customer: 1 })
    expect(await picked([{ entity: 'Purchase', where: { cents: 100 } }], {})).toEqual({ Order: 1, Customer: 1 })
    expect(await picked([{ entity: 'Customer', keys: [{ id: 2 }] }], { children: ['Order'] })).toEqual({ Order: 1, Customer: 1 })
    expect(await picked([{ entity: 'Buyer', where: { fullName: 'Ada Lovelace' } }], { children: ['Purchase'] })).toEqual({ Order: 2, Customer: 1 })
    // Kept, and run again by whoever applies it.
    const plan = await holdfast.restores.plan({ snapshot, select: [{ entity: 'Order', where: { customer: { id: 2 } } }], related: {} })
    expect((await holdfast.restores.apply(plan)).totals).toMatchObject({ create: 2 })

    await failure(picked([{ entity: 'Customer', keys: [2] }], { children: ['Ordre'] }), 'E_ENTITY_UNKNOWN')
    const unknown = await failure(picked([{ entity: 'Order', where: { amount: '1.00' } }]), 'E_CONFIG')
    expect(unknown.hint).toMatch(/customer\.id.*cents/)
    await failure(picked([{ entity: 'Order', where: { 'buyer.id': 1, customer: 2 } }]), 'E_CONFIG')
  })

  it('goes two migrations further: renamed, split, retyped, added, removed', async () => {
    const holdfast = await holdfastOf(await migrated(), CHANGES)
    const [report] = await collect(holdfast.restores.checkRestorable({ snapshot }))
    expect(report).toMatchObject({ restorable: true, problems: [], records: 5 })
    const look = await holdfast.restores.restore({ snapshot, dryRun: true })
    expect(look.totals).toMatchObject({ create: 5, conflict: 0 })
    const result = await holdfast.restores.restore({ snapshot })
    expect(result.totals).toMatchObject({ records: 5, create: 5 })
    expect(result.schema.map(({ entity, kind, from, to }) => `${kind} ${entity} ${from} ${to}`)).toEqual([
      'entity-renamed Customer Buyer Customer',
      'upcast Customer null SplitName1700000000000',
      'entity-renamed Order Purchase Order',
      'renamed Order buyer.id customer.id',
      'upcast Order null Money1800000000000',
      'entity-removed Draft Draft null',
    ])
    const count = (table: string, where: string) => database.count({ table }, where)
    expect(await count('customer', `first_name = 'Ada' AND last_name = 'Lovelace' AND tier = 'basic'`)).toBe(1)
    expect(await count('customer', `first_name = 'Charles' AND last_name = 'Babbage' AND tier = 'basic'`)).toBe(1)
    expect(
      await count(
        'orders',
        `(id = 1 AND customer_id = 1 AND amount = 12.34 AND note = 'first') OR (id = 2 AND amount = 0.05) OR (id = 3 AND customer_id = 2 AND amount = 1)`,
      ),
    ).toBe(3)
    // Once more: what is in already is found to be as its record.
    expect((await holdfast.restores.restore({ snapshot, policy: 'overwrite' })).totals).toMatchObject({ create: 0, update: 0, identical: 5 })
  })

  it('says what is added and removed where nothing needs to be declared', async () => {
    const lesser = [{ ...THEN[0]!, properties: { fullName: THEN[0]!.properties.fullName!, tier: {} } }, THEN[1]!, THEN[2]!]
    await then.close()
    await database.carelessly(
      `DELETE FROM purchase`,
      `DELETE FROM buyer`,
      `ALTER TABLE buyer DROP COLUMN fax`,
      `ALTER TABLE buyer ADD COLUMN tier VARCHAR(20) DEFAULT 'basic' NOT NULL`,
    )
    now = await openDeclared(orm, dialect, database.location, lesser)
    const holdfast = await holdfastOf(now)
    const result = await holdfast.restores.restore({ snapshot, policy: 'overwrite' })
    expect(result.schema).toEqual([
      { store: 'default', entity: 'Buyer', kind: 'removed', from: 'fax', to: null },
      { store: 'default', entity: 'Buyer', kind: 'added', from: null, to: 'tier' },
    ])
    expect(result.totals).toMatchObject({ create: 5, identical: 1 })
    expect(await database.count({ table: 'buyer' }, `tier = 'basic'`)).toBe(2)
  })

  it('is refused where a column takes less than it did, and where an up-caster gives what it should not', async () => {
    await then.close()
    await database.carelessly(
      `DELETE FROM purchase`,
      `ALTER TABLE purchase DROP COLUMN note`,
      `ALTER TABLE purchase ADD COLUMN note ${dialect === 'sqlite' ? 'BLOB' : 'INTEGER'}`,
    )
    now = await openDeclared(orm, dialect, database.location, THEN)
    const drifted = await holdfastOf(now)
    expect((await failure(drifted.restores.restore({ snapshot }), 'E_SCHEMA_DRIFT')).message).toContain('note')
    const [report] = await collect(drifted.restores.checkRestorable())
    expect(report!.problems).toMatchObject([{ entity: 'Purchase', code: 'E_SCHEMA_DRIFT' }])
    const version = report!.versions.find(({ entity }) => entity === 'Purchase')!.version.slice(0, 12)

    const wrong = async (change: (record: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>) =>
      (await failure((await holdfastOf(now!, [upcast('Purchase', { from: version, to: 'numbered', change })])).restores.restore({ snapshot }), 'E_RECORD'))
        .message
    if (dialect !== 'sqlite') expect(await wrong((record) => record)).toContain('"Purchase", line 1: the up-caster\'s "note" does not fit int')
    expect(await wrong((record) => ({ ...record, note: null, colour: 'red' }))).toContain('gives "colour", which is no property of the entity')
    expect(
      await wrong(() => {
        throw new Error('oops')
      }),
    ).toContain(`the up-caster from ${version} to numbered failed`)
    expect(await wrong(({ id, note }) => ({ id, note, 'buyer.id': 1 }))).toContain('gives no "cents"')

    const right = await holdfastOf(now, [upcast('Purchase', { from: version, to: 'numbered', change: (record) => ({ ...record, note: null }) })])
    expect((await right.restores.restore({ snapshot, policy: 'overwrite' })).totals).toMatchObject({ create: 3, identical: 3 })
    expect(await database.count({ table: 'purchase' }, 'note IS NULL')).toBe(3)
  })
})
